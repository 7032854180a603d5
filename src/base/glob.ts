// Globs in which `*` stands for any text, anywhere: what token roles compare policy names and aliases with.

/** @example isGlobMatch('dev-*-ro', 'dev-web-ro') // true */
export function isGlobMatch(glob: string, text: string): boolean {
  const [head = '', ...rest] = glob.split('*')
  const tail = rest.pop()
  if (tail === undefined) return glob === text
  if (!text.startsWith(head) || !text.endsWith(tail) || text.length < head.length + tail.length) return false
  // The leftmost place for each part leaves the most to the next ones.
  let middle = text.slice(head.length, text.length - tail.length)
  for (const part of rest) {
    const at = middle.indexOf(part)
    if (at < 0) return false
    middle = middle.slice(at + part.length)
  }
  return true
}
