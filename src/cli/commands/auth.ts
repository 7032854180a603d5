// `signet auth`: the methods by which clients log in.
import { isObject } from '../../base/json.ts'
import { command, group } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { bool, oneOf, text } from '../flag.ts'
import { LOGIN_METHODS } from '../login/methods.ts'
import { config, detailed, SIMPLE, showMounts, VERSION } from '../mount-list.ts'
import { moveMount } from '../mount-move.ts'
import { cleanPath, mountPath } from '../mount-path.ts'
import { enableFlags, lockoutFlags, lockoutRequest, mountRequest, settingFlags, tuneRequest } from '../mount-settings.ts'
import { goText } from '../output/text.ts'

const TOKEN_TYPES = ['service', 'batch', 'default-service', 'default-batch']
const tokenType = oneOf(text(`Type of the tokens that it gives: ${TOKEN_TYPES.join(', ')}.`), ...TOKEN_TYPES)

const enable = command({
  doc: 'Enable a new auth method',
  about: `
    $ signet auth enable userpass
    $ signet auth enable -path=staff userpass`,
  args: ['TYPE'],
  flags: { ...enableFlags, 'token-type': tokenType },
  async run(terminal, { args: [given = ''], flags }) {
    const type = given.trim()
    const path = mountPath(flags.path || type)
    const client = await terminal.client()
    const body = mountRequest(type, flags, flags['token-type'] === undefined ? {} : { token_type: flags['token-type'] })
    await attempt(`Error enabling ${type} auth`, () => client.post(`sys/auth/${path}`, body))
    terminal.print(`Success! Enabled ${type} auth method at: ${path}`)
  },
})

const disable = command({
  doc: 'Disable an auth method',
  about: `
All tokens that it gave are revoked.

    $ signet auth disable userpass/`,
  args: ['PATH'],
  async run(terminal, { args: [given = ''] }) {
    const path = mountPath(cleanPath(given))
    const client = await terminal.client()
    await attempt(`Error disabling auth method at ${path}`, () => client.delete(`sys/auth/${path}`))
    terminal.print(`Success! Disabled the auth method (if it existed) at: ${path}`)
  },
})

const list = command({
  doc: 'List enabled auth methods',
  flags: { detailed: bool('Also print TTLs, options and more.') },
  output: 'format',
  async run(terminal, { flags }) {
    const client = await terminal.client()
    const secret = await attempt('Error listing enabled authentications', () => client.read('sys/auth'))
    showMounts(terminal, secret?.data ?? {}, flags.detailed ? detailed(['Token Type', config('token_type')]) : [...SIMPLE, VERSION])
  },
})

const move = command({
  doc: 'Move an auth method',
  about: `
Its users and roles go with it; the tokens that it gave are revoked.

    $ signet auth move approle/ services/`,
  args: ['SOURCE', 'DESTINATION'],
  run: (terminal, { args }) => moveMount(terminal, { noun: 'auth method', prefix: 'auth/' }, args),
})

const tune = command({
  doc: 'Tune an auth method configuration',
  about: `
What is not given stays as it is; a TTL of "system" goes back to the server's.

    $ signet auth tune -default-lease-ttl=1h userpass/`,
  args: ['PATH'],
  flags: { ...settingFlags, ...lockoutFlags, description: text('What the mount is for.'), 'token-type': tokenType },
  async run(terminal, { args: [given = ''], flags }) {
    const path = mountPath(cleanPath(given))
    const client = await terminal.client()
    const type = flags['token-type'] === undefined ? {} : { token_type: flags['token-type'] }
    const body = { ...tuneRequest(flags), ...lockoutRequest(flags), ...type }
    await attempt(`Error tuning auth method ${path}`, () => client.post(`sys/mounts/auth/${path}tune`, body))
    terminal.print(`Success! Tuned the auth method at: ${path}`)
  },
})

const help = command({
  doc: 'Print usage for an auth method',
  about: `
Takes the type of a method, or the path where one is mounted.

    $ signet auth help userpass`,
  args: ['TYPE | PATH'],
  async run(terminal, { args: [given = ''] }) {
    const known = LOGIN_METHODS.get(given.trim())
    if (known) return terminal.print(known.help.trim())
    const client = await terminal.client()
    const secret = await attempt('Error listing auth methods', () => client.read('sys/auth'))
    const path = mountPath(cleanPath(given))
    const mount = secret?.data?.[path]
    if (!isObject(mount)) throw new Failure(1, `No auth method available on the server at ${JSON.stringify(path)}`)
    const method = LOGIN_METHODS.get(goText(mount['type']))
    if (!method) throw new Failure(2, `"signet login" does not know the auth method ${JSON.stringify(mount['type'])}; use its API`)
    terminal.print(method.help.trim())
  },
})

export const auth = group('Interact with auth methods', { disable, enable, help, list, move, tune })
