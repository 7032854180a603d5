// Asks for the key shares that open what a server stores.
import { readBase64, readHex } from '../crypto/byte-text.ts'
import { attempt, Failure } from './failure.ts'
import type { Offline } from './ports.ts'
import { askSecret, type Terminal } from './terminal.ts'

/** One by one on a terminal; from standard input, one a line, otherwise. */
export async function unsealOffline(terminal: Terminal, offline: Offline): Promise<void> {
  const given = terminal.ports.stdin.isTTY
    ? undefined
    : Buffer.from(await terminal.readStdin())
        .toString()
        .split('\n')
  const lines = given?.map((line) => line.trim()).filter((line) => line !== '')
  for (let n = 1; n <= offline.threshold; n++) {
    const text = lines ? (lines[n - 1] ?? '') : await askSecret(terminal, `Unseal Key ${n} of ${offline.threshold}`, 'pipe the shares in, one a line')
    if (text === '') throw new Failure(1, `${offline.threshold} key shares are needed, one a line`)
    const opened = await attempt('Error opening it', () => offline.unseal(toShare(text)), 1)
    if (opened) return
  }
  throw new Failure(1, 'the key shares do not open it')
}

function toShare(text: string): Buffer {
  const bytes = Buffer.from(text)
  const share = readHex(bytes) ?? readBase64(bytes)
  if (!share) throw new Failure(1, 'a key share is neither hex nor base64')
  return share
}
