/**
 * The global map of adapters, with everything that pgts knows to adapt.
 *
 * @module
 */

import type { Registrar } from "./adapt.ts";
import { AdaptersMap } from "./adapters_map.ts";
import { registerArray } from "./array_dumper.ts";
import { registerBit } from "./bit.ts";
import { registerBool } from "./bool.ts";
import { registerBytea } from "./bytea.ts";
import { registerChar } from "./char.ts";
import { registerDate } from "./date.ts";
import { registerFloat } from "./float.ts";
import { registerInet } from "./inet.ts";
import { registerGeometric } from "./geometric.ts";
import { registerInteger } from "./integer.ts";
import { registerIntVectors } from "./int_vector.ts";
import { registerInterval } from "./interval.ts";
import { registerJson } from "./json.ts";
import { registerMacaddr } from "./macaddr.ts";
import { registerNumber } from "./number.ts";
import { registerNumericDefaults } from "./numeric.ts";
import { registerRecord } from "./record.ts";
import { registerRanges } from "./range_defaults.ts";
import { registerServerText } from "./server_text.ts";
import { registerText, registerTextTypes } from "./text.ts";
import { registerTextSearch } from "./text_search.ts";
import { registerTime } from "./time.ts";
import { registerTimestamp } from "./timestamp.ts";
import { setGlobalTypes } from "./type_info.ts";
import { registerTyped } from "./typed.ts";
import { registerTypedArrays } from "./typed_array.ts";
import { registerUuid } from "./uuid.ts";
import { registerXid } from "./xid.ts";

/**
 * Registers everything that pgts knows to adapt.
 *
 * The order counts in two places only: of the dumpers of one class the last one
 * is taken for `%s`, and of the dumpers of one type the last one for values that
 * are to become that type. So the wrappers, which force a type, come after what
 * finds the type by the value.
 *
 * @param map Where to register it.
 */
export function registerDefaults(map: Registrar): void {
  // These serve strings that are to become one of their types; for strings at
  // large registerText() puts its own in their place.
  registerMacaddr(map);
  registerBit(map);
  registerXid(map);
  registerTextSearch(map);
  registerServerText(map);
  registerChar(map);
  registerTextTypes(map);
  registerText(map);
  registerBytea(map);
  registerBool(map);
  registerNumber(map);
  registerInteger(map);
  registerIntVectors(map);
  registerFloat(map);
  registerNumericDefaults(map);
  registerDate(map);
  registerTime(map);
  registerTimestamp(map);
  registerInterval(map);
  registerUuid(map);
  registerInet(map);
  registerGeometric(map);
  registerJson(map);
  registerArray(map);
  registerTypedArrays(map);
  registerRecord(map);
  registerRanges(map);
  registerTyped(map);
}

function makeDefaults(): AdaptersMap {
  const map = new AdaptersMap();
  registerDefaults(map);
  return map;
}

/**
 * The global map of adapters. Each connection copies it when it is opened: a
 * change concerns the connections that are opened later.
 *
 * @example Look a type up
 * ```ts
 * import { adapters } from "@x/pgts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(adapters.types.get("int4")?.arrayOid, 1007);
 * ```
 */
export const adapters: AdaptersMap = makeDefaults();

setGlobalTypes(adapters);
