// `signet secrets`: the engines that hold or make secrets.
import { command, group } from '../command.ts'
import { attempt } from '../failure.ts'
import { bool, text } from '../flag.ts'
import { config, detailed, SIMPLE, showMounts } from '../mount-list.ts'
import { moveMount } from '../mount-move.ts'
import { cleanPath, mountPath } from '../mount-path.ts'
import { enableFlags, mountRequest, settingFlags, tuneRequest } from '../mount-settings.ts'

const enable = command({
  doc: 'Enable a secrets engine',
  about: `
    $ signet secrets enable transit
    $ signet secrets enable -path=team -version=2 kv`,
  args: ['TYPE'],
  flags: { ...enableFlags, 'force-no-cache': bool('Read everything from storage, without a cache.') },
  async run(terminal, { args: [given = ''], flags }) {
    const type = given.trim()
    const path = mountPath(flags.path || type)
    const client = await terminal.client()
    const body = mountRequest(type, flags, { force_no_cache: flags['force-no-cache'] })
    await attempt('Error enabling', () => client.post(`sys/mounts/${path}`, body))
    terminal.print(`Success! Enabled the ${type} secrets engine at: ${path}`)
  },
})

const disable = command({
  doc: 'Disable a secrets engine',
  about: `
All that it stored is deleted, and what it lent is revoked.

    $ signet secrets disable team/`,
  args: ['PATH'],
  async run(terminal, { args: [given = ''] }) {
    const path = mountPath(cleanPath(given))
    const client = await terminal.client()
    await attempt(`Error disabling secrets engine at ${path}`, () => client.delete(`sys/mounts/${path}`))
    terminal.print(`Success! Disabled the secrets engine (if it existed) at: ${path}`)
  },
})

const list = command({
  doc: 'List enabled secrets engines',
  flags: { detailed: bool('Also print TTLs, options and more.') },
  output: 'format',
  async run(terminal, { flags }) {
    const client = await terminal.client()
    const secret = await attempt('Error listing secrets engines', () => client.read('sys/mounts'))
    showMounts(terminal, secret?.data ?? {}, flags.detailed ? detailed(['Force No Cache', config('force_no_cache')]) : SIMPLE)
  },
})

const move = command({
  doc: 'Move a secrets engine',
  about: `
All that it stores goes with it; what it lent is revoked.

    $ signet secrets move team/ groups/team/`,
  args: ['SOURCE', 'DESTINATION'],
  run: (terminal, { args }) => moveMount(terminal, { noun: 'secrets engine', prefix: '' }, args),
})

const tune = command({
  doc: 'Tune a secrets engine configuration',
  about: `
What is not given stays as it is; a TTL of "system" goes back to the server's.

    $ signet secrets tune -max-lease-ttl=72h pki/`,
  args: ['PATH'],
  flags: { ...settingFlags, description: text('What the mount is for.') },
  async run(terminal, { args: [given = ''], flags }) {
    const path = mountPath(cleanPath(given))
    const client = await terminal.client()
    await attempt(`Error tuning secrets engine ${path}`, () => client.post(`sys/mounts/${path}tune`, tuneRequest(flags)))
    terminal.print(`Success! Tuned the secrets engine at: ${path}`)
  },
})

export const secrets = group('Interact with secrets engines', { disable, enable, list, move, tune })
