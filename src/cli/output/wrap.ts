// Breaks prose into lines that fit a terminal.

const WIDTH = 78

/** Lines of at most 78 characters, each after so many spaces. */
export function wrap(text: string, indent = 0): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.trim().split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > WIDTH - indent) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  lines.push(line)
  return lines.map((one) => ' '.repeat(indent) + one).join('\n')
}
