// The headers that every answer carries, by status, with those that the operator adds (Vault's `custom_response_headers`).

/** Headers by status: `default`, a class such as `4xx`, or one status such as `404`; the more exact wins. */
export type CustomHeaders = Readonly<Record<string, Readonly<Record<string, string>>>>

const FRAMING = /^(?:connection|content-length|content-type|date|keep-alive|te|trailer|transfer-encoding|upgrade|x-vault-.*)$/i
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const VALUE = /^[\t\x20-\x7e]*$/
const STATUS = /^(?:default|[1-5]xx|[1-5]\d\d)$/

/** Names and values as one flat list for a status. Throws an Error on headers that can't be sent or aren't the operator's to set. */
export function openResponseHeaders(secure: boolean, custom: CustomHeaders): (status: number) => readonly string[] {
  for (const [status, headers] of Object.entries(custom)) check(status, headers)
  const known = new Map<number, readonly string[]>()
  return (status) => {
    const found = known.get(status)
    if (found) return found
    const made = settle(secure, custom, status)
    known.set(status, made)
    return made
  }
}

function check(status: string, headers: Readonly<Record<string, string>>): void {
  if (!STATUS.test(status)) throw new Error(`custom response headers: "${status}" is not a status, a class such as 4xx, or default`)
  for (const [name, value] of Object.entries(headers)) {
    if (!NAME.test(name) || !VALUE.test(value)) throw new Error(`custom response headers: "${name}" is malformed`)
    if (FRAMING.test(name)) throw new Error(`custom response headers: "${name}" cannot be set`)
  }
}

function settle(secure: boolean, custom: CustomHeaders, status: number): string[] {
  const headers = new Map([['cache-control', ['Cache-Control', 'no-store']]])
  if (secure) headers.set('strict-transport-security', ['Strict-Transport-Security', 'max-age=31536000; includeSubDomains'])
  for (const scope of ['default', `${Math.floor(status / 100)}xx`, String(status)]) {
    for (const [name, value] of Object.entries(custom[scope] ?? {})) headers.set(name.toLowerCase(), [name, value])
  }
  return [...headers.values()].flat()
}
