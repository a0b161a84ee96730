// Owns the box office's calls: those of net/api.js, and a dialog that asks for another key when the server no
// longer accepts this one. A change whose answer was lost is sent under the same Idempotency-Key when the
// operator tries it again, even much later, so that the server never makes it twice.
//
// Modules: read(path), write(method, path, body), readLines(path, take).

import { change, lines, newKey, read as readAsAnyone } from "../net/api.js";
import { keyIsLost } from "./key.js";

// Unanswered calls that are remembered; no one tries more of them again.
const UNANSWERED_MAX = 100;

/** @type {Map<string, string>} */
const unanswered = new Map();

/**
 * The body of the answer. Raises a `Problem`.
 *
 * @template T
 * @param {string} path
 * @returns {Promise<T>}
 */
export function read(path) {
  return /** @type {Promise<T>} */ (guarded(() => readAsAnyone(path)));
}

/**
 * Like `read`, for a list that comes line by line.
 *
 * @template T
 * @param {string} path
 * @param {(value: T) => void} take
 */
export function readLines(path, take) {
  return guarded(() => lines(path, take));
}

/**
 * A change; the body of the answer. Raises a `Problem`.
 *
 * @template T
 * @param {"POST" | "PATCH" | "PUT" | "DELETE"} method
 * @param {string} path
 * @param {object} [body]
 * @returns {Promise<T>}
 */
export async function write(method, path, body) {
  const call = JSON.stringify([method, path, body]);
  const key = unanswered.get(call) ?? newKey();
  try {
    const answer = /** @type {T} */ (await guarded(() => change(method, path, body, { key })));
    unanswered.delete(call);
    return answer;
  } catch (/** @type {any} */ problem) {
    unanswered.delete(call);
    if (problem.passing) unanswered.set(call, key);
    if (unanswered.size > UNANSWERED_MAX) unanswered.delete(/** @type {string} */ (unanswered.keys().next().value));
    throw problem;
  }
}

/**
 * @template T
 * @param {() => Promise<T>} call
 * @returns {Promise<T>}
 */
async function guarded(call) {
  try {
    return await call();
  } catch (/** @type {any} */ problem) {
    if (problem.status === 401) keyIsLost(problem);
    throw problem;
  }
}
