// PGP public keys given as files, binary or armored: as the server takes them, in base64.
import { Failure, fileProblem } from './failure.ts'
import type { Terminal } from './terminal.ts'

const ARMOR = /-----BEGIN PGP PUBLIC KEY BLOCK-----\n(?:\S.*\n)*[ \t]*\n([^=-]+={0,2})\s*(?:=\S{4}\s*)?-----END/

/** Each text names files, apart by commas, with or without `@` before them. */
export function readPgpKeys(terminal: Terminal, texts: readonly string[]): Promise<string[]> {
  return Promise.all(texts.flatMap((text) => text.split(',')).map((name) => readPgpKey(terminal, name.trim())))
}

export async function readPgpKey({ ports }: Terminal, name: string): Promise<string> {
  if (name.startsWith('keybase:')) throw new Failure(1, 'Keys are not fetched from Keybase: give the file that holds the public key')
  const path = name.startsWith('@') ? name.slice(1) : name
  const bytes = await ports.files.read(path).catch((error: unknown) => {
    throw new Failure(1, `error reading PGP key: open ${path}: ${fileProblem(error)}`)
  })
  const text = Buffer.from(bytes).toString('latin1').replaceAll('\r\n', '\n')
  const inBase64 = (ARMOR.exec(text)?.[1] ?? text).replace(/\s/g, '')
  return /^[A-Za-z0-9+/]+={0,2}$/.test(inBase64) ? inBase64 : Buffer.from(bytes).toString('base64')
}
