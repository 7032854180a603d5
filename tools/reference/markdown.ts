// Pieces of Markdown that the pages of the reference are made of.

export function table(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
  return [line(headers), line(headers.map(() => '---')), ...rows.map(line)].join('\n')
}

export const code = (text: string): string => `\`${text}\``

/** A default as it would be written. */
export function shown(value: unknown): string {
  if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) return ''
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) return ''
  return code(typeof value === 'string' ? value : JSON.stringify(value))
}
