/**
 * `requirepeer`: whether the server at a Unix socket belongs to the user that
 * the connection demands. Whoever binds a socket owns its file, so the owner of
 * the file is asked for; it is as good as the permissions of its directory.
 *
 * @module
 */

import {
  InterfaceError,
  NotSupportedError,
  OperationalError,
} from "../errors/base.ts";
import { isGranted, isWindows } from "./environment.ts";
import { readOptionalFile, statOptionalFile } from "./files.ts";

const USERS = "/etc/passwd";

/**
 * Checks the owner of a socket, before anything is sent to the server.
 *
 * @param path The socket.
 * @param user The name of the user, or the number.
 * @throws {OperationalError} If the socket belongs to somebody else, or there is
 * no such user.
 * @throws {InterfaceError} If the permission to find out is missing.
 * @throws {NotSupportedError} If sockets have no owners here.
 */
export async function checkPeer(path: string, user: string): Promise<void> {
  if (isWindows() || path.startsWith("\0")) {
    throw new NotSupportedError(
      `Cannot use the parameter "requirepeer": ${
        isWindows()
          ? "this operating system does not tell"
          : "nobody owns an abstract socket, there is no telling"
      } whose process is at the other end, leave it out`,
    );
  }
  if (!isGranted({ name: "read", path })) throw missingGrant(path);
  const wanted = await userId(user);
  const status = await statOptionalFile(path);
  if (status === null || status.uid === null) {
    throw new OperationalError(
      `Cannot connect to "${path}": its owner, whom "requirepeer" demands, cannot be found out`,
    );
  }
  if (status.uid === wanted) return;
  throw new OperationalError(
    `Cannot connect to "${path}": "requirepeer" demands that the server belongs to ${
      JSON.stringify(user)
    }, and it belongs to the user with the number ${status.uid}`,
  );
}

async function userId(user: string): Promise<number> {
  const number = /^\d{1,10}$/.test(user) ? Number(user) : null;
  if (!isGranted({ name: "read", path: USERS })) {
    if (number !== null) return number;
    throw missingGrant(USERS);
  }
  // A user whose name is a number would come before the number.
  const users = await readOptionalFile(USERS) ?? "";
  for (const line of users.split("\n")) {
    const [name, , id = ""] = line.split(":");
    if (name === user && /^\d+$/.test(id)) return Number(id);
  }
  if (number !== null) return number;
  throw new OperationalError(
    `Cannot use the parameter "requirepeer": there is no user ${
      JSON.stringify(user)
    } in ${USERS}, give the number of the user`,
  );
}

function missingGrant(path: string): InterfaceError {
  return new InterfaceError(
    `Cannot check "requirepeer": a permission is missing, run Deno with --allow-read=${path}`,
  );
}
