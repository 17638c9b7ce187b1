// A file on its way to the server, which streams it to disk.

import { place } from "./address.js";

/** @import {Limits} from "./types" */

/**
 * Send a file. progress(bytes sent), and done(request) however it ended.
 * @param {string} path @param {File | null} file @param {(sent: number) => unknown} progress @param {(request: XMLHttpRequest) => unknown} done
 */
export function send(path, file, progress, done) {
  const request = new XMLHttpRequest();
  request.upload.onprogress = ({ loaded }) => progress(Math.min(loaded, file?.size ?? 0));
  request.onloadend = () => done(request);
  request.open("PUT", place(path));
  request.send(file);
  return request;
}

/** Why a file is not sent. @param {string} name @param {File | null} file @param {Limits} limits */
export function unwanted(name, file, { suffixes, max_bytes, max_words }) {
  if (!file) return "cannot be opened";
  if (!suffixes.some((suffix) => name.toLowerCase().endsWith(suffix)))
    return `is not read; Codex reads ${suffixes.map((suffix) => suffix.slice(1)).join(", ")}`;
  return file.size > max_bytes ? `is larger than ${max_words} (retrieval.max_file_mb)` : null;
}

/** Why a file did not arrive. @param {XMLHttpRequest} request */
export function reason(request) {
  if (!request.status) return "did not arrive: the file changed, or the connection was lost";
  try {
    return JSON.parse(request.responseText).error.message;
  } catch {
    return `the server answered ${request.status}`;
  }
}
