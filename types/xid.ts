/**
 * What numbers transactions, commands, rows and places in the log: the types xid,
 * cid, xid8, tid, pg_lsn, pg_snapshot and txid_snapshot, as strings.
 *
 * Strings, because these go back in as they came: the server compares an xid8
 * with no bigint and casts none to it.
 *
 * @module
 */

import type { ReadBuffer } from "../protocol/read_buffer.ts";
import { latin1Slice } from "../protocol/text.ts";
import type { WriteBuffer } from "../protocol/write_buffer.ts";
import type { Registrar } from "./adapt.ts";
import { OID } from "./oids.ts";
import {
  expectBytes,
  malformedValue,
  matching,
  registerStringType,
  type StringType,
} from "./string_type.ts";

const ID = /^\d{1,20}$/;
const TID = /^\((\d{1,10}),(\d{1,5})\)$/;
const LSN = /^([\da-f]{1,8})\/([\da-f]{1,8})$/i;
const SNAPSHOT = /^(\d{1,20}):(\d{1,20}):((?:\d{1,20}(?:,\d{1,20})*)?)$/;

const MAX_32 = 2n ** 32n - 1n;
const MAX_63 = 2n ** 63n - 1n;
const MAX_64 = 2n ** 64n - 1n;

/** The number in digits, or `null` if there is none up to the largest one. */
function parseId(text: string, largest: bigint): bigint | null {
  if (!ID.test(text)) return null;
  const id = BigInt(text);
  return id <= largest ? id : null;
}

function idIsText(
  largest: bigint,
): (bytes: Uint8Array, start: number, end: number) => boolean {
  const longest = String(largest).length;
  return (bytes, start, end) => {
    if (end <= start || end - start > longest) return false;
    for (let at = start; at < end; at++) {
      if (bytes[at]! < 0x30 || bytes[at]! > 0x39) return false;
    }
    return end - start < longest ||
      BigInt(latin1Slice(bytes, start, end)) <= largest;
  };
}

/** An xid or a cid: four bytes. */
function shortId(oid: number, name: string): StringType {
  return {
    oid,
    name,
    form: "a number of 32 bits",
    takesNumbers: true,
    isText: idIsText(MAX_32),
    readBinary({ view }, start, end) {
      expectBytes(name, end - start, 4);
      return String(view.getUint32(start));
    },
    writeBinary(text, out) {
      const id = parseId(text, MAX_32);
      if (id === null) return false;
      out.int32(Number(id));
      return true;
    },
  };
}

const XID8: StringType = {
  oid: OID.XID8,
  name: "xid8",
  form: "a number of 64 bits",
  takesNumbers: true,
  isText: idIsText(MAX_64),
  readBinary({ view }, start, end) {
    expectBytes("xid8", end - start, 8);
    return String(view.getBigUint64(start));
  },
  writeBinary(text, out) {
    const id = parseId(text, MAX_64);
    if (id === null) return false;
    out.int64(id);
    return true;
  },
};

const TID_TYPE: StringType = {
  oid: OID.TID,
  name: "tid",
  form: 'a block and a row, such as "(0,1)"',
  isText: matching(TID),
  readBinary({ view }, start, end) {
    expectBytes("tid", end - start, 6);
    return `(${view.getUint32(start)},${view.getUint16(start + 4)})`;
  },
  writeBinary(text, out) {
    const found = TID.exec(text);
    const block = Number(found?.[1]);
    const row = Number(found?.[2]);
    if (!(block <= 0xffff_ffff && row <= 0xffff)) return false;
    out.int32(block);
    out.int16(row);
    return true;
  },
};

const LSN_TYPE: StringType = {
  oid: OID.PG_LSN,
  name: "pg_lsn",
  form: 'two hexadecimal numbers, such as "16/B374D848"',
  isText: matching(LSN),
  readBinary({ view }, start, end) {
    expectBytes("pg_lsn", end - start, 8);
    const hex = (at: number) => view.getUint32(at).toString(16).toUpperCase();
    return `${hex(start)}/${hex(start + 4)}`;
  },
  writeBinary(text, out) {
    const found = LSN.exec(text);
    if (found === null) return false;
    out.int32(parseInt(found[1]!, 16));
    out.int32(parseInt(found[2]!, 16));
    return true;
  },
};

const SNAPSHOT_HEADER = 20;

/** The number of transactions under way, the least and the next ID, and then theirs. */
function readSnapshot(
  name: string,
  { view }: ReadBuffer,
  start: number,
  end: number,
): string {
  if (end - start < SNAPSHOT_HEADER) {
    throw malformedValue(name, "it ends too early");
  }
  const count = view.getInt32(start);
  if (count < 0) {
    throw malformedValue(name, `it says it has ${count} transactions`);
  }
  expectBytes(name, end - start, SNAPSHOT_HEADER + 8 * count);
  const ids: bigint[] = [];
  for (let at = start + SNAPSHOT_HEADER; at < end; at += 8) {
    ids.push(view.getBigUint64(at));
  }
  return `${view.getBigUint64(start + 4)}:${view.getBigUint64(start + 12)}:${
    ids.join(",")
  }`;
}

function writeSnapshot(text: string, out: WriteBuffer): boolean {
  const found = SNAPSHOT.exec(text);
  if (found === null) return false;
  const [, least, next, list] = found;
  const running = list === "" ? [] : list!.split(",");
  out.int32(running.length);
  for (const digits of [least!, next!, ...running]) {
    const id = parseId(digits, MAX_63);
    if (id === null) return false;
    out.int64(id);
  }
  return true;
}

function snapshot(oid: number, name: string): StringType {
  return {
    oid,
    name,
    form: 'a snapshot, such as "10:20:10,14"',
    isText: matching(SNAPSHOT),
    readBinary: (source, start, end) => readSnapshot(name, source, start, end),
    writeBinary: writeSnapshot,
  };
}

/**
 * Registers the loaders and dumpers of this file.
 *
 * @param map Where to register them.
 */
export function registerXid(map: Registrar): void {
  registerStringType(map, shortId(OID.XID, "xid"));
  registerStringType(map, shortId(OID.CID, "cid"));
  registerStringType(map, XID8);
  registerStringType(map, TID_TYPE);
  registerStringType(map, LSN_TYPE);
  registerStringType(map, snapshot(OID.PG_SNAPSHOT, "pg_snapshot"));
  registerStringType(map, snapshot(OID.TXID_SNAPSHOT, "txid_snapshot"));
}
