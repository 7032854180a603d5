// How commands find the agent that they ask.
import { also, type FlagValues, text } from '../flag.ts'
import type { WorkloadApi } from '../ports.ts'
import type { Terminal } from '../terminal.ts'

const DEFAULT_SOCKET = '/run/signet-agent/api.sock'

export const socketFlags = {
  'socket-path': also(
    text(`Socket of the agent; SPIFFE_ENDPOINT_SOCKET names it otherwise, and without that it is ${DEFAULT_SOCKET}.`),
    'socketPath',
  ),
}

/** Asks the agent, and hangs up afterwards. */
export async function asking<T>(terminal: Terminal, flags: FlagValues<typeof socketFlags>, run: (api: WorkloadApi) => Promise<T>): Promise<T> {
  const endpoint = flags['socket-path'] || terminal.ports.env['SPIFFE_ENDPOINT_SOCKET'] || DEFAULT_SOCKET
  const api = await terminal.ports.openWorkloadApi(endpoint)
  try {
    return await run(api)
  } finally {
    api.close()
  }
}
