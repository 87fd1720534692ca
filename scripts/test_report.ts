/**
 * Reads the JUnit report that `deno test` writes.
 *
 * @module
 */

/** How many tests there were. */
export interface Counts {
  /** Tests that passed. */
  passed: number;
  /** Tests that failed. */
  failed: number;
  /** Tests that were not run. */
  skipped: number;
}

/**
 * Counts the tests in a report, each once, with their steps counted too.
 *
 * @param path the report
 * @returns the counts, all zero if there is no report
 */
export async function countResults(path: string): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return counts;
    throw error;
  }
  for (const part of text.split("<testcase ").slice(1)) {
    const attributes = part.slice(0, part.search(/\/?>/));
    const body = attributes.length + 1 < part.length &&
        part[attributes.length] === "/"
      ? ""
      : part.slice(attributes.length);
    if (/<(failure|error)\b/.test(body)) counts.failed++;
    else if (/<skipped\b/.test(body)) counts.skipped++;
    else counts.passed++;
  }
  return counts;
}
