// Streams of the command line: WebSockets by the same settings as its requests.
import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import type { HttpResponse, ListenTo } from '../client/request.ts'
import { collect, tlsOptions } from './cli-request.ts'

export const listenTo: ListenTo = (request, hear) =>
  new Promise((resolve, reject) => {
    const url = request.url.replace(/^http/, 'ws')
    const at =
      request.socketPath === undefined ? url : `ws+unix://${request.socketPath}:${new URL(request.url).pathname}${new URL(request.url).search}`
    const client = new WebSocket(at, {
      headers: request.headers as Record<string, string>,
      ...tlsOptions(request.tls),
      handshakeTimeout: request.timeoutMs,
    })
    client.on('message', (text) => hear(String(text)))
    client.on('unexpected-response', (_, answer: IncomingMessage) => void collect(answer).then(resolve as (answer: HttpResponse) => void, reject))
    client.on('error', reject)
    client.on('close', (_, reason) => resolve(String(reason)))
  })
