/**
 * Types whose text only the server understands, as that text: xml, jsonpath,
 * money, aclitem, refcursor, and the names of what is in the catalogue (regclass
 * and the like).
 *
 * @module
 */

import type { Registrar } from "./adapt.ts";
import { OidBinaryLoader } from "./integer.ts";
import { OID } from "./oids.ts";
import {
  malformedValue,
  registerStringType,
  type StringType,
} from "./string_type.ts";
import { TextBinaryLoader } from "./text.ts";

const JSONPATH_VERSION = 1;

const JSONPATH: StringType = {
  oid: OID.JSONPATH,
  name: "jsonpath",
  form: "a path",
  readBinary(source, start, end) {
    if (start === end || source.bytes[start] !== JSONPATH_VERSION) {
      throw malformedValue(
        "jsonpath",
        `it is not of the version ${JSONPATH_VERSION}`,
      );
    }
    return source.text(start + 1, end);
  },
  writeBinary(text, out) {
    out.uint8(JSONPATH_VERSION);
    out.text(text);
    return true;
  },
};

/**
 * Types whose bytes are their text; an xml in an encoding other than UTF8 says
 * so in them, which its text does not.
 */
const LIKE_TEXT: readonly number[] = [
  OID.XML,
  OID.REFCURSOR,
  OID.CSTRING,
  OID.PG_NODE_TREE,
  OID.VOID,
];

/**
 * Types that go out as text alone. The bytes of money mean what `lc_monetary`
 * says, those of an xml are UTF-8 unless they say otherwise themselves, and an
 * aclitem has none.
 */
const OUT_AS_TEXT: readonly (readonly [oid: number, name: string])[] = [
  [OID.XML, "xml"],
  [OID.MONEY, "money"],
  [OID.ACLITEM, "aclitem"],
];

/** Types whose text is a name, and whose bytes are an OID. */
const NAMES: readonly (readonly [oid: number, name: string])[] = [
  [OID.REGPROC, "regproc"],
  [OID.REGPROCEDURE, "regprocedure"],
  [OID.REGOPER, "regoper"],
  [OID.REGOPERATOR, "regoperator"],
  [OID.REGCLASS, "regclass"],
  [OID.REGTYPE, "regtype"],
  [OID.REGCONFIG, "regconfig"],
  [OID.REGDICTIONARY, "regdictionary"],
  [OID.REGNAMESPACE, "regnamespace"],
  [OID.REGROLE, "regrole"],
  [OID.REGCOLLATION, "regcollation"],
];

/**
 * Registers the loaders and dumpers of this file.
 *
 * @param map Where to register them.
 */
export function registerServerText(map: Registrar): void {
  registerStringType(map, JSONPATH);
  for (const oid of LIKE_TEXT) map.registerLoader(oid, TextBinaryLoader);
  registerStringType(map, {
    oid: OID.REFCURSOR,
    name: "refcursor",
    form: "a name",
    writeBinary(text, out) {
      out.text(text);
      return true;
    },
  });
  for (const [oid, name] of OUT_AS_TEXT) {
    registerStringType(map, { oid, name, form: "text" });
  }
  for (const [oid, name] of NAMES) {
    map.registerLoader(oid, OidBinaryLoader);
    registerStringType(map, {
      oid,
      name,
      form: "a name",
      takesNumbers: true,
    });
  }
}
