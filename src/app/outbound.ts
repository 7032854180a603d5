// Requests of the rooms to the outside, by Node's client: one connection for each, to an address that was looked at before and after.
import { lookup as resolve } from 'node:dns'
import { request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import type { Outbound, OutboundAnswer, OutboundRequest } from '../base/outbound.ts'
import { tlsOptions } from './cli-request.ts'

export const sendOutbound: Outbound = (request) => {
  const url = new URL(request.url)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return Promise.reject(new Error(`${url.protocol} is not asked by HTTP`))
  if (isIP(host) && !mayReach(request, host)) return Promise.reject(refused(host))
  const options = {
    method: request.method,
    agent: false,
    lookup: lookupFor(request),
    signal: AbortSignal.timeout(request.timeoutMs),
    headers: { ...request.headers, ...(request.body === undefined ? {} : { 'Content-Length': Buffer.byteLength(request.body) }) },
    ...(url.protocol === 'https:' ? tlsOptions(request.ca === undefined ? {} : { ca: [request.ca] }) : {}),
  }
  return new Promise((resolved, reject) => {
    const sent = (url.protocol === 'https:' ? overHttps : overHttp)(url, options, (answer) => {
      collect(answer, request.maxBytes).then((body) => resolved({ status: answer.statusCode ?? 0, body }), reject)
    })
    sent.on('socket', (socket) => check(socket, request))
    sent.on('error', reject)
    sent.end(request.body)
  })
}

/** Once connected, it must be what was asked about: nothing between may have chosen another. */
function check(socket: Socket, request: OutboundRequest): void {
  const look = () => {
    const { remoteAddress = '' } = socket
    if (!mayReach(request, remoteAddress)) socket.destroy(refused(remoteAddress))
  }
  if (socket.connecting) socket.once('connect', look)
  else look()
}

/** Of the addresses that a name has, the first; the connection goes to it and not to what the name stands for a moment later. */
function lookupFor(request: OutboundRequest): LookupFunction {
  return (name, options, callback) => {
    resolve(name, { ...options, all: true }, (error, found) => {
      const [first] = found ?? []
      if (error || !first) return callback(error ?? new Error(`${name} has no address`), '', 0)
      const bad = found.find(({ address }) => !mayReach(request, address))
      if (bad) return callback(refused(bad.address), '', 0)
      if (options.all) return callback(null, [first])
      callback(null, first.address, first.family)
    })
  }
}

const mayReach = ({ mayReach: rule }: OutboundRequest, address: string): boolean => rule === undefined || rule(address)
const refused = (address: string): Error => new Error(`${address} may not be reached`)

async function collect(answer: AsyncIterable<unknown>, maxBytes: number): Promise<OutboundAnswer['body']> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes) throw new Error(`the answer has more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
