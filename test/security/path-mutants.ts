// Spellings of a path that some reader somewhere takes for another: thousands of them, always the same ones.

/** What is put between, before, after and into segments. */
const PIECES = [
  ...['.', '..', '...', '', '%2e', '%2E', '%2e%2e', '.%2e', '%2e.', '%252e%252e', '..;', '..%3b', '%2e%2e%3bx', '~', '%7e', '..~1'],
  ...['%2f', '%2F', '%252f', '%5c', '%5C', '\\', '..\\', '..%2f', '%2f..', '%2f%2e%2e%2f', '%ef%bc%8f', '%e2%88%95', '%e2%81%84'],
  ...['%00', '%00.', '%01', '%09', '\t', '%0a', '%0d%0a', '%1f', '%20', '%7f', '%c2%80', '%c2%85', '%c2%a0', '%c2%ad'],
  ...['%c0%ae', '%c0%ae%c0%ae', '%c0%af', '%e0%80%ae', '%e0%80%af', '%f0%80%80%ae', '%c1%9c', '%ff', '%fe', '%80', '%ed%a0%80', '%f4%90%80%80'],
  ...['%e2%80%8b', '%e2%80%8d', '%e2%80%ae', '%ef%bb%bf', '%ef%bc%8e%ef%bc%8e', '%e2%80%a4', '%ef%b9%92', '%cc%81', 'e%cc%81', '%c3%a9'],
  ...['%e1%ba%9e', '%c4%b0', '%c4%b1', '%c5%bf', '%e2%84%aa', '*', '+', '%2a', '%2b', '?', '%3f', '#', '%23', ';', '%3b', ';a=b', ':', '@', '%40'],
  ...['%', '%2', '%zz', '%u002e', '%25', '&', '=', "'", '"', '%22', '<', '{{identity.entity.id}}', '%7b%7b', '|', '^', '`', '$', '!', '(', ','],
]

const upper = (text: string) => text.toUpperCase()
const encoded = (text: string) => Array.from(text, (letter) => `%${letter.charCodeAt(0).toString(16)}`).join('')
const twice = (text: string) => encoded(text).replaceAll('%', '%25')
/** Letters that fold or compose to the plain ones under some rule of Unicode. */
const lookAlike = (text: string) => encodeURIComponent(Array.from(text, (letter) => String.fromCodePoint(letter.charCodeAt(0) + 0xfee0)).join(''))

const RESPELL: readonly ((segment: string) => string)[] = [upper, encoded, twice, lookAlike]

/** Targets after `/v1/`, for each path: respelled segments, pieces at every place, and every piece between two other segments. */
export function mutantsOf(paths: readonly string[]): string[] {
  const all = new Set(paths.flatMap((path) => [...respelled(path), ...withPieces(path), ...detours(path)]))
  return [...all]
}

function* respelled(path: string): Generator<string> {
  const segments = path.split('/')
  for (const at of segments.keys()) {
    for (const respell of RESPELL) {
      yield segments.with(at, respell(segments[at] as string)).join('/')
      yield `${segments.with(at, respell(segments[at] as string)).join('/')}/`
    }
  }
}

function* withPieces(path: string): Generator<string> {
  const segments = path.split('/')
  for (const piece of PIECES) {
    for (let at = 0; at <= segments.length; at++) yield segments.toSpliced(at, 0, piece).join('/')
    for (const [at, segment] of segments.entries()) {
      for (const changed of [segment + piece, piece + segment, segment.slice(0, 2) + piece + segment.slice(2)]) {
        yield segments.with(at, changed).join('/')
      }
    }
    yield `${path}/${piece}/`
  }
}

/** Ways that lead out of an open folder and back into the closed one, as a reader that resolves dots would go them. */
function* detours(path: string): Generator<string> {
  const [mount, ...rest] = path.split('/')
  for (const up of PIECES) {
    yield `${mount}/open/${up}/${rest.join('/')}`
    yield `open/${up}/${path}`
    yield `${mount}/${up}/${up}/${path}`
    yield `${mount}/open${up}${rest.join(up)}`
  }
}

/** A target's bytes with every escape undone once; undefined where that is no UTF-8 text. */
export function decodeOnce(target: string): string | undefined {
  const bytes = target.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(bytes, 'latin1'))
  } catch {
    return undefined
  }
}
