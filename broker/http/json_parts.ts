const [QUOTE, BACKSLASH, COMMA, COLON, BRACKET, BRACE] = ['"', "\\", ",", ":", "[", "{"].map((it) => it.charCodeAt(0));

/**
 * Whether JSON has more than `max` parts: names and values, or what opens a list or an object. Each takes its reader
 * far longer than its sender, a long text does not. It looks no further than the first that is too many; what is no
 * JSON is counted all the same.
 */
export function hasMoreParts(text: string, max: number): boolean {
  let parts = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === COMMA || code === COLON || code === BRACKET || code === BRACE) parts += 1;
    if (parts > max) return true;
  }
  return false;
}

/** Where the string ends that begins at `start`: at the first quote that no backslash takes away. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let before = end - 1;
    while (text.charCodeAt(before) === BACKSLASH) before -= 1;
    if ((end - before) % 2 === 1) return end;
  }
  return text.length;
}
