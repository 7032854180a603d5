// Prepares a server for a scenario: single calls that must succeed, and many alike at once.
import { startClosedLoop } from './closed-loop.ts'
import { Connection } from './connection.ts'
import { type Ask, type Target, toBytes } from './target.ts'

/** The parts of Vault's envelope that preparing needs. */
export interface Answer {
  readonly status: number
  readonly data?: Readonly<Record<string, unknown>>
  readonly auth?: { readonly client_token: string }
  readonly errors?: readonly string[]
}

export class Client {
  readonly target: Target

  constructor(target: Target) {
    this.target = target
  }

  /** One call as the operator; throws on any status but 2xx. */
  async call(method: string, path: string, body?: unknown): Promise<Answer> {
    const answer = await this.attempt(method, path, body)
    if (answer.status > 299) throw new Error(`${this.target.name}: ${method} ${path} answered ${answer.status}: ${answer.errors?.join('; ')}`)
    return answer
  }

  /** One call as the operator, whatever the status; throws when no answer came. */
  attempt(method: string, path: string, body?: unknown): Promise<Answer> {
    const connection = new Connection(this.target)
    const request = toBytes(this.target, { method, path, body, token: this.target.token })
    return new Promise((resolve, reject) => {
      connection.send(request, (status, bytes) => {
        connection.close()
        if (status === 0) return reject(new Error(`${this.target.name}: ${method} ${path}: ${bytes}`))
        const envelope: Omit<Answer, 'status'> = bytes.length === 0 ? {} : JSON.parse(bytes.toString())
        resolve({ ...envelope, status })
      })
    })
  }

  /** Sends ask(0) … ask(count - 1) over many connections as the operator; throws the first refusal once all are through. */
  async each(count: number, connections: number, ask: (i: number) => Ask, progress?: (done: number) => void): Promise<void> {
    let sent = 0
    let done = 0
    let refusal: string | undefined
    const next = (): Buffer | undefined =>
      sent === count || refusal !== undefined ? undefined : toBytes(this.target, { token: this.target.token, ...ask(sent++) })
    const load = startClosedLoop(this.target, connections, next, (status, body) => {
      if (status < 200 || status > 299) refusal ??= `${status} ${body}`
      progress?.(++done)
    })
    await load.finished
    if (refusal !== undefined) throw new Error(`${this.target.name}: ${refusal}`)
  }
}
