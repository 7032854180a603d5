// Columns aligned by spaces, as Vault's tools print them.

const GAP = '    '

/** Rows as aligned lines; an empty cell reads `n/a`. */
export function columns(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.trim() || 'n/a'))
  const widths: number[] = []
  for (const row of cells) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, length(cell))
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === row.length - 1 ? cell : cell + ' '.repeat((widths[i] as number) - length(cell)))).join(GAP)
  return cells.map(line).join('\n')
}

/** Like columns, with underlined headers. */
export function table(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  return columns([headers, headers.map((header) => '-'.repeat(header.length)), ...rows])
}

/** In characters, not in UTF-16 units. */
function length(text: string): number {
  return [...text].length
}

/** A title between equal signs, about as wide as what it stands over. @example banner('Data', 12) // '=== Data ===' */
export function banner(title: string, width: number): string {
  const room = width - title.length - 2
  const signs = '='.repeat(Math.ceil((room > 0 ? room : 4) / 2))
  return `${signs} ${title} ${signs}`
}

/** A title for a table of these keys. */
export function bannerFor(title: string, keys: readonly string[]): string {
  return banner(title, Math.max(0, ...keys.map((key) => key.length)) + GAP.length + 'value'.length)
}
