// Node attestation from the agent's side: what it shows a server to prove which node it is on.

/** One way of proving. The server knows the other half under the same `type`. */
export interface NodeAttestation {
  /** As it is named on the wire: `join_token`, `x509pop` … */
  readonly type: string
  /** What is sent first. Asked for anew at every attempt. */
  payload(): Promise<Buffer>
  /** What is sent for a challenge of the server, which may give several. Throws where the attestation knows none. */
  answer(challenge: Buffer): Promise<Buffer>
  /** The attempt is over, whichever way: lets go of what `payload` or `answer` opened. */
  end?(): void
}

/** Possession of a token that works once; `token` finds it, and throws a Fault where there is none. */
export function joinToken(token: () => string): NodeAttestation {
  return {
    type: 'join_token',
    payload: async () => Buffer.from(token()),
    answer: () => Promise.reject(new Error('the server gave a challenge, which a join token does not answer')),
  }
}
