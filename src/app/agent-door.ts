// A door for plain HTTP on the agent's machine, by which a server sees that a name leads there.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ChallengeDoor } from '../agent/node/ports.ts'
import { Fault } from '../base/fault.ts'
import { fileProblem } from '../cli/failure.ts'

/** Whoever speaks slowly is no server that asks for a nonce. */
const TIMEOUT_MS = 10_000

export async function openDoor(port: number): Promise<ChallengeDoor> {
  let shown: { readonly path: string; readonly text: string } | undefined
  const server = createServer({ requestTimeout: TIMEOUT_MS, headersTimeout: TIMEOUT_MS }, ({ url, method }, response) => {
    if (shown && url === shown.path && method === 'GET') response.writeHead(200, { 'Content-Type': 'text/plain' }).end(shown.text)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new Fault('unavailable', `port ${port}: ${fileProblem(error)}`)))
    server.listen(port, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    show(path, text) {
      shown = { path, text }
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
