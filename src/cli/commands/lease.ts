// `signet lease`: look up, renew and revoke what was lent.
import { command, group } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { also, bool, duration } from '../flag.ts'
import { showAnswer } from '../output/show.ts'

const lookup = command({
  doc: 'Look up the lease of a secret',
  about: `
    $ signet lease lookup database/creds/readonly/2f6a614c...`,
  args: ['ID'],
  output: 'format',
  async run(terminal, { args: [given = ''] }) {
    const id = given.trim()
    const client = await terminal.client()
    const secret = await attempt(`error looking up lease id ${id}`, () => client.write('sys/leases/lookup', { lease_id: id }))
    showAnswer(terminal, secret, '')
  },
})

const renew = command({
  doc: 'Renew the lease of a secret',
  about: `
The server takes back what it lent when the lease ends. Until then, and up to a maximum, the lease can be renewed, which
changes nothing in the secret itself.

    $ signet lease renew database/creds/readonly/2f6a614c...`,
  args: ['ID'],
  flags: { increment: also(duration('How much longer the lease should live. The server may grant less.'), 'i') },
  output: 'format',
  async run(terminal, { args: [given = ''], flags }) {
    const id = given.trim()
    const client = await terminal.client()
    const data = { increment: Math.max(0, flags.increment ?? 0), lease_id: id }
    const secret = await attempt(`Error renewing ${id}`, () => client.write('sys/leases/renew', data))
    showAnswer(terminal, secret, '')
  },
})

const revoke = command({
  doc: 'Revoke leases and take back what was lent',
  about: `
Without -sync the revocation is queued, and tried for as long as it takes. With -sync the command ends when it is done, and
says whether it failed.

    $ signet lease revoke database/creds/readonly/2f6a614c...
    $ signet lease revoke -prefix aws/creds/deploy
    $ signet lease revoke -force -prefix consul/creds`,
  args: ['ID'],
  flags: {
    force: also(bool('Forget the leases without taking anything back, where what was lent is known to be gone. Needs -prefix.'), 'f'),
    prefix: bool('The argument is what the ids of many leases start with.'),
    sync: bool('Wait until it is done.'),
  },
  async run(terminal, { args: [given = ''], flags: { force, prefix, sync } }) {
    if (force && !prefix) throw new Failure(1, 'Specifying -force requires also specifying -prefix')
    const id = given.trim()
    const client = await terminal.client()
    if (force) terminal.warn('Warning! Force-removing leases can cause Signet to become out of sync with secret engines!')
    const { path, doing, done } = wording(id, force, prefix, sync)
    await attempt(doing, () => client.write(path, force ? undefined : { sync }))
    terminal.print(done)
  },
})

/** Where to ask, and how to say what came of it. */
function wording(id: string, force: boolean, prefix: boolean, sync: boolean): { path: string; doing: string; done: string } {
  const leases = `leases with prefix`
  if (force) {
    return {
      path: `sys/leases/revoke-force/${id}`,
      doing: `Error force revoking ${leases} ${id}`,
      done: `Success! Force revoked any ${leases}: ${id}`,
    }
  }
  const queued = 'All revocation operations queued successfully!'
  if (prefix) {
    return {
      path: `sys/leases/revoke-prefix/${id}`,
      doing: `Error revoking ${leases} ${id}`,
      done: sync ? `Success! Revoked any ${leases}: ${id}` : queued,
    }
  }
  return { path: `sys/leases/revoke/${id}`, doing: `Error revoking lease ${id}`, done: sync ? `Success! Revoked lease: ${id}` : queued }
}

export const lease = group(
  'Interact with leases',
  { lookup, renew, revoke },
  `
    $ signet lease renew database/creds/readonly/2f6a614c...
    $ signet lease revoke -prefix database/creds/readonly`,
)
