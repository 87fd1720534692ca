import { assertEquals } from "@std/assert";
import { decodeBase64 } from "@std/encoding/base64";
import { scramVerifier } from "../../protocol/auth_scram.ts";
import { saslprep } from "../../protocol/saslprep.ts";

/**
 * Passwords, and salt, stored key and server key that PostgreSQL 15 made of
 * them (`rolpassword` of `pg_authid`, 4096 iterations).
 */
const RECORDED: readonly (readonly [string, string])[] = [
  [
    "I\u{2153}\u{FB01}x \u{DF}",
    "X04VARJc2s6XjHcVIOjoyQ==$U0fooiKVGpEm96/fJgG+JNN3yUxhG9O1fcHW1flziP4=:UUE1Omh7ZfGDvfL59FgLpmd7U+pirvnsePLoSz49nJo=",
  ],
  [
    "a\u{AD}b",
    "ohcM+NMo4npw8RkYzSFF1A==$J4ySuEBHs+b2ADJ2xaATLiLNM1KGQU1A4Lg3XHfYoJk=:AJqkIENh7vAHFHIvtYR5bNggSl7DYqJMUroY3tInMGs=",
  ],
  [
    "a\u{A0}b",
    "C+ulAVhRNHSZ1qBmq6bkSg==$Uby0jgU39l++Mx1wscfP5Ogcw6yCm4RUoITumT0YVQ0=:JuP0NrXTuwXLIuqfvr5si0uND9Peq24HaP7Hu2Fo8wA=",
  ],
  [
    "\u{1D4B3}",
    "CSipS9e+ctqaX2itSGhiBQ==$50492tl9e2HfvDYtxt3GfiW9NeqTeI5V5UwraKveLVo=:5zAptft+OH6xWlpri0OkKSS9Slo1uLZguAOC1/wduLk=",
  ],
  [
    "a\u{2135}b",
    "PBy2RAMWLAqFKQrj2SummQ==$mV3m8bLIb5+YE941Rjo2bwtXhgH4PrrRcGLcCg7MlYo=:hoD6nTSeSk0Xqcdzw2bjPVU3jHk2/iD2EzxnL1e7jGE=",
  ],
  [
    "\u{FB01}\u{1F600}",
    "jWTeyxIBuGt0Zy8Gv4wOhQ==$O08/WrO2VGT4cmPN572Dpz8mUG5Hn0HF3DnbDc3Ktqs=:U9sqfNN6EcffGebLvOemhEAX1W7nIJ399vYdDS6ewDs=",
  ],
  [
    "\u{FB01}\u{7}",
    "39fpd9n8KS3IdbHbkp51Ew==$cnwE1csLH7NNQS4jMSmuX+ZRZ8+4BeVMr1RdFB9YxgQ=:VjvdbHvlYB1WP5kE7A3NrkX1qLG3Or3TmDgdgJf1MEQ=",
  ],
  [
    "\u{FB01}\u{200B}x",
    "ppetZ/Bvb6lnzT99PG9wFA==$ECjCPITTVYDBWdci864LnGZIUsuUnCyjFC1XsZaY2MA=:yaHylBwIuPG790xSbBBIDvMlJGVs3QbJTpWY/Ngb1X4=",
  ],
  [
    "\u{5D0}\u{FB1D}1",
    "MwtLB4q1oouM4M1ij+FH9A==$JUsf1vmmRhacO6r4TGOs3aqoN3fO2feNzTJ9Lzr2370=:4LVC5SWWqEu3/XmumBcYlGERP9gTQ1FMbTOEmYQvNUg=",
  ],
  [
    "\u{627}\u{FB01}",
    "IMmb97VL+rokVeBzck4Zuw==$6wSG+oTIsLtItfW6PJMRZGZ4uupx4rfn+tIGNxs1Fnw=:YjdR7ufZI7amwt5p3jzR+zZWuVrJOV+LLCHf3CactV8=",
  ],
  [
    "\u{627}a\u{FF21}\u{628}",
    "ZW4jp39gA5Ht63hdJ0HCJQ==$IpkOiVNdyuWGPy7kRM4ELOEgAvtGYP65CW6yB2A2Teg=:NN4aBxe0sG/iNZ1DSS0W2Aw8RP3IgMedX+cC4hG58Jw=",
  ],
  [
    "\u{AD}",
    "n77TLGBpWmquTCcl5Ua8gg==$yIRMf1TaCYX4+weWuS+6ORi1fmsfxHhfDGqAUjJwLvw=:Qh1r47s4PId5UCA9JUEoQMGq5oWk9SMRJHDS1WKDPyQ=",
  ],
  [
    "\u{FB01}1\u{627}",
    "ZeF6C6VJ4lUCp3xPaYnfEg==$+1cGGTDGjwXg7W1uEmUvESKKeR1j4DbOZtcYytKDf/w=:qYUpPyjdOBMq6eTT45xSy8aPysT2v7Bq27DO/ZdruMw=",
  ],
  [
    "\u{627}\u{FDFA}",
    "w5zc+sHuViA4+RzTeCeNXw==$w0VpuVqKnKiUhEQ6WQajUj1xXfe/LDgozegae+Eg9tI=:yR49sKCrIvpODVBAbCqGcZ3rQ47bovUnT1+ZxOST6no=",
  ],
  [
    "\u{FB01}\u{E000}",
    "WkyGL0Gl3tvS4ctrZHB3fw==$vUu9/9BlItzY2yKiFeuMk/DuvxtXSNqdGo4ujellq1E=:lzr400PlLWa3opKabAG0L9k9egKfgj1WVJbx9B7BNwQ=",
  ],
  [
    "\u{2F868}\u{FB01}",
    "AdsNikgeIqB6/ugCjMikWA==$Cz/5Rh1MqtdxLGdQnRACbTUZS4e9HSOT6e3ZrppPWj4=:T05BDDCwrMnEBMRE59gAaaRGJ7Vw7A/cOk+BWO+lpUI=",
  ],
  [
    "\u{A0}",
    "eOHXM64ULofYI7WwX5NoiA==$p2470MA4fHnpZKXcOxQhBP1ZjiTyQTNlpNHnWB8z2Xs=:0XR5PmwoVfmxSFTu4e0EtTR79Jm3RkUajwhpxoYCkFE=",
  ],
  [
    "\u{627}\u{FC5E}\u{628}",
    "tMCAc3OysS8kHZPzHyoLyg==$GgmKNc+XMDs3zpblspnkpAquwwGfTbJccfgHLedCRc0=:B6UNhdX4oLH/jvkm+W1qWhZk2T3k7Lmb2nnIJE8Ooj4=",
  ],
  [
    "\u{FB01} \u{AD}",
    "WUdSGILOcO5r+wDld3tizA==$6TUR3WFJpffMXxDxbyZlzKuZX/9v96yW0Wsu4W2WqDc=:j/8JLDPwUb3FImSN/kxIFU6v7dq/y93ZX7B0PaYqutA=",
  ],
  [
    "\u{FB01}\u{FFFD}",
    "SXudM5fffgQnrjXGW+ITBg==$DKmdeud399AgU3CU/dyk6uvPuz3Ic/uTx7M4AOEvnPw=:EnT6gw3wMleNwIxvnWSU/rJdtQihlkVK5VhkDug1Fm8=",
  ],
  [
    "\u{5D0}1",
    "IS2OGVnsI20ITyp+UGFw2A==$T3wG0iip7lbhxF+Rt7BfWHRzwQomRpWP+ZWf3wtchA8=:E0+KFBD1uJbkYvefIi7BfIqV9pAW1RpOA5OG6aclPY4=",
  ],
  [
    "\u{627}\u{AA}\u{628}",
    "33G9MpLqi1ZWP6EoQovpww==$lUkYO4cnSoI8vVOE8pHmuj/1JzBys4P5EvJ0ExdEOO8=:MzzcdqYVX1qm5ihZuBPVTCew3sBl+On8szdYDvHkeko=",
  ],
  [
    "\uFB01".repeat(1000),
    "2aj71NiZF5nSswxPcAWhyA==$7i2GWV8zUo0vTXxtqTBXNhQQZ3lBBKJ273U37IY8Mco=:HzYtIjRqQQG0LnykOr9d/c70iGHJ+D2IS5X22VnBsuw=",
  ],
];

Deno.test("saslprep: hashes passwords as the server does", async () => {
  for (const [password, recorded] of RECORDED) {
    const salt = decodeBase64(recorded.split("$")[0] ?? "");
    assertEquals(
      await scramVerifier(password, salt, 4096),
      `SCRAM-SHA-256$4096:${recorded}`,
      JSON.stringify(password.slice(0, 20)),
    );
  }
});

Deno.test("saslprep: the examples of RFC 4013", () => {
  assertEquals(saslprep("I\u00ADX"), "IX");
  assertEquals(saslprep("user"), "user");
  assertEquals(saslprep("USER"), "USER");
  assertEquals(saslprep("\u00AA"), "a");
  assertEquals(saslprep("\u2168"), "IX");
  // Not allowed: as they are.
  assertEquals(saslprep("\u0007"), "\u0007");
  assertEquals(saslprep("\u0627\u0031"), "\u0627\u0031");
});

Deno.test("saslprep: one character becomes another, nothing, or a space", () => {
  assertEquals(saslprep("I\u2153\uFB01x \u00DF"), "I1\u20443fix \u00DF");
  assertEquals(saslprep("\u{1D4B3}"), "X");
  for (
    const ignored
      of "\u00AD\u034F\u1806\u180B\u180D\u200C\u200D\u2060\uFE00\uFE0F\uFEFF"
  ) assertEquals(saslprep(`a${ignored}b`), "ab");
  for (
    const space of "\u00A0\u1680\u2000\u2005\u200A\u200B\u202F\u205F\u3000"
  ) assertEquals(saslprep(`a${space}b`), "a b");
});

Deno.test("saslprep: a password with a forbidden character stays as it is", () => {
  const forbidden = [
    "\0",
    "\x1f",
    "\x7f",
    "\u0080",
    "\u009F",
    "\u0340",
    "\u06DD",
    "\u070F",
    "\u180E",
    "\u200E",
    "\u2028",
    "\u202E",
    "\u206A",
    "\u2FF0",
    "\uE000",
    "\uF8FF",
    "\uFDD0",
    "\uFFF9",
    "\uFFFE",
    "\uFFFF",
    "\u{1D173}",
    "\u{1FFFE}",
    "\u{E0001}",
    "\u{F0000}",
    "\u{10FFFF}",
    // Not assigned in Unicode 3.2
    "\u0221",
    "\u0378",
    "\u{1F600}",
    "\u{2FFFD}",
  ];
  for (const character of forbidden) {
    const password = `\uFB01${character}`;
    assertEquals(saslprep(password), password);
  }
  // The neighbours of some of them are allowed.
  for (const character of "\u0220\u06DE\u2027\u{1D15D}") {
    assertEquals(
      saslprep(`\uFB01${character}`),
      `fi${character.normalize("NFKC")}`,
    );
  }
});

Deno.test("saslprep: text from right to left stands alone, and at both ends", () => {
  assertEquals(saslprep("\u0627\uFB50"), "\u0627\u0671");
  assertEquals(saslprep("\u0627\u00BD\u0628"), "\u06271\u20442\u0628");
  for (const mixed of ["\u0627\uFB01", "\u06271", "1\uFB50", "\uFB01\u0627"]) {
    assertEquals(saslprep(mixed), mixed);
  }
});

Deno.test("saslprep: nothing is left, or only ASCII: as it is", () => {
  assertEquals(saslprep(""), "");
  assertEquals(saslprep("\u00AD"), "\u00AD");
  assertEquals(saslprep("\u00AD\u200D"), "\u00AD\u200D");
  assertEquals(saslprep("plain pass\tword\x01"), "plain pass\tword\x01");
});
