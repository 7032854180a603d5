// Checks that ask the running server: audit devices, root tokens, lockout, what lingers, seals, its clock.
import { isObject, type JsonObject } from '../../base/json.ts'
import { type Check, type Facts, fail, ok, unknown, type Verdict, warn } from './facts.ts'

const HOUR = 3_600

export const serverChecks: Readonly<Record<string, Check>> = {
  'two audit devices, one of them elsewhere': withServer(({ audit }) => {
    if (!audit) return unknown('the token may not read sys/audit')
    const types = Object.values(audit).map((device) => (isObject(device) ? String(device['type']) : ''))
    if (types.length === 0) return fail('no audit device is enabled', 'signet audit enable file file_path=…')
    if (types.length < 2) return warn('one audit device: where it fails, every request does', 'enable a second one of another type')
    return types.every((type) => type === 'file')
      ? warn('all devices write to files of this machine', 'enable one of type socket or syslog')
      : ok(types.join(', '))
  }),

  'no root token is left': withServer(({ rootTokens }) => {
    if (!rootTokens) return unknown('the token may not list accessors')
    const [oldest] = [...rootTokens].sort((a, b) => b.ageSeconds - a.ageSeconds)
    if (!oldest) return ok('there is none')
    const shown = rootTokens.map(({ accessor }) => accessor).join(', ')
    const hint = 'signet token revoke -accessor …'
    return oldest.ageSeconds > HOUR ? fail(`older than an hour: ${shown}`, hint) : warn(`in use: ${shown}`, hint)
  }),

  'logins are locked out after failures': ({ config, server }) => {
    const off = (config?.effect.within ?? []).filter(({ name, values }) => name === 'user_lockout' && values['disable_lockout'] === true)
    if (off.length > 0) return fail(`switched off for ${off.map(({ labels }) => labels[0] ?? 'all').join(', ')}`, 'leave disable_lockout out')
    const mounts = Object.entries(server?.auth ?? {}).filter(([, mount]) => isObject(mount) && isLockoutOff(mount))
    return mounts.length > 0
      ? fail(`switched off at ${mounts.map(([path]) => path).join(', ')}`, 'signet auth tune -user-lockout-disable=false …')
      : ok('they are')
  },

  'no rekey and no making of a root token lingers': withServer(({ begun }) =>
    begun.length > 0 ? warn(`begun: ${begun.join(', ')}`, 'finish it, or signet operator rekey -cancel, generate-root -cancel') : ok('none does'),
  ),

  'seals can open the server': withServer(({ seals: { names, away, fullyWrapped } }) => {
    if (names.length === 0) return ok('key shares do')
    if (away.length === names.length) return fail(`none works: ${away.join(', ')}`, 'its log says why; a restart would leave the server sealed')
    if (away.length > 0) return warn(`away: ${away.join(', ')}`, 'its log says why')
    return fullyWrapped ? ok(names.join(', ')) : warn('the root key is not wrapped by each of them yet', 'wait some minutes; its log says why')
  }),

  'the clocks agree': withServer(({ ahead }) => {
    if (ahead === undefined) return unknown('the server did not say')
    return Math.abs(ahead) > 1 ? fail(`${Math.abs(ahead)} s apart`, 'keep both by NTP: lifetimes are wall time') : ok('within a second')
  }),
}

function withServer(check: (server: NonNullable<Facts['server']>) => Verdict): Check {
  return ({ server }) => (server ? check(server) : unknown('no unsealed server was asked', 'set VAULT_ADDR, and VAULT_TOKEN to one that may'))
}

function isLockoutOff(mount: JsonObject): boolean {
  const config = isObject(mount['config']) ? mount['config'] : {}
  const lockout = isObject(config['user_lockout_config']) ? config['user_lockout_config'] : {}
  return lockout['lockout_disable'] === true || lockout['disable_lockout'] === true
}
