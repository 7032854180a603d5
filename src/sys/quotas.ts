// sys/quotas: rate limits on the whole server, a namespace, a mount, a path or a login's role, and settings that all of them share.
import { bool, choice, float, list, maybe, or, seconds, text, type Values } from '../base/fields.ts'
import { coreFault, Fault } from '../base/fault.ts'
import { uuid } from '../base/ids.ts'
import type { JsonObject } from '../base/json.ts'
import { type CanonPath, parsePath } from '../base/path.ts'
import { type Module, type Path, path } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import { data, empty, keys, missing, type Reply } from '../contract/reply.ts'
import type { Place, Quotas, RateRule } from '../quota/quotas.ts'
import type { Random } from '../base/ports.ts'

export interface QuotaDeps {
  readonly quotas: Quotas
  readonly random: Random
  /** The namespace and mount that a path from the root on leads to. */
  readonly locate: (path: CanonPath) => Place
  /** The mount that a rule is for, while it is there. */
  readonly mountOf: (rule: RateRule) => Mount | undefined
  readonly moduleOf: (mount: Mount) => Module | undefined
}

const configInput = {
  rate_limit_exempt_paths: or(list('Paths, or their beginnings, that no rate limit is for, in any namespace. None where left out.'), []),
  absolute_rate_limit_exempt_paths: or(list('The same, with the namespace before the path.'), []),
  enable_rate_limit_audit_logging: or(bool('Put refused requests on record.'), false),
  enable_rate_limit_response_headers: or(bool('Tell clients their limit, and what is left of it, in headers.'), false),
}

const ruleInput = {
  type: or(choice('"rate-limit".', ['', 'rate-limit']), ''),
  path: or(text('Namespace, mount or path that it is for, `*` at the end for all that begins so; empty for the whole server.'), ''),
  role: or(text('Role of the auth method at the path: only logins to it count.'), ''),
  rate: or(float('Requests that a client may make in each interval.'), 0),
  interval: or(seconds('How long an interval is; 0 for one second.'), 0),
  block_interval: or(seconds('How long a client that made too many is refused altogether.'), 0),
  inheritable: maybe(bool('Also for the namespaces below that have none of their own. True for the whole server where left out.')),
  group_by: or(choice('Who counts as one client: always its address.', ['', 'ip']), ''),
}

export function quotaPaths(deps: QuotaDeps): Path[] {
  const { quotas } = deps
  return [
    path('quotas/config', 'Settings of all quotas.', {}, (op) => ({
      read: op({ doc: 'Read the settings.', output: configInput, run: () => data(describeConfig(quotas)) }),
      write: op({ doc: 'Replace the settings.', input: configInput, run: (_, input) => configure(quotas, input) }),
    })),
    path('quotas/rate-limit', 'All rate limits.', {}, (op) => ({
      list: op({ doc: 'List the names.', run: () => keys(quotas.names()) }),
    })),
    path('quotas/rate-limit/:name', 'A rate limit.', { name: text('Name of the limit.') }, (op) => ({
      read: op({ doc: 'Read a rate limit.', run: (_, { name }) => read(deps, named(name)) }),
      write: op({ doc: 'Create or replace a rate limit; counting starts anew.', input: ruleInput, run: (_, input) => write(deps, input) }),
      delete: op({ doc: 'Delete a rate limit.', run: (_, { name }) => remove(quotas, named(name)) }),
    })),
  ]
}

/** A name that no quota may have is a path that nobody serves. */
function named(name: string): string {
  if (!/^\w(?:[\w.-]*\w)?$/.test(name)) throw coreFault('missing', 'unsupported path')
  return name
}

function describeConfig(quotas: Quotas): JsonObject {
  const { exemptPaths, absoluteExemptPaths, auditLogging, responseHeaders } = quotas.config()
  return {
    absolute_rate_limit_exempt_paths: [...absoluteExemptPaths],
    enable_rate_limit_audit_logging: auditLogging,
    enable_rate_limit_response_headers: responseHeaders,
    rate_limit_exempt_paths: [...exemptPaths],
  }
}

async function configure(quotas: Quotas, input: Values<typeof configInput>): Promise<Reply> {
  await quotas.configure({
    exemptPaths: input.rate_limit_exempt_paths,
    absoluteExemptPaths: input.absolute_rate_limit_exempt_paths,
    auditLogging: input.enable_rate_limit_audit_logging,
    responseHeaders: input.enable_rate_limit_response_headers,
  })
  return empty()
}

function read({ quotas, mountOf }: QuotaDeps, name: string): Reply {
  const rule = quotas.get(name)
  const mount = rule && mountOf(rule)
  if (!rule || (rule.mount !== '' && !mount)) return missing()
  return data({
    type: 'rate-limit',
    name: rule.name,
    path: `${rule.namespace}${mount?.path ?? ''}${rule.suffix}`,
    role: rule.role,
    rate: rule.rate,
    interval: rule.interval,
    block_interval: rule.blockInterval,
    inheritable: rule.inheritable,
    group_by: 'ip',
  })
}

async function write(deps: QuotaDeps, input: Values<typeof ruleInput> & { name: string }): Promise<Reply> {
  const name = named(input.name)
  if (input.rate <= 0) throw new Fault('invalid', "'rate' is invalid")
  const { namespace, mount, suffix } = target(deps, input.path)
  if (input.role !== '') checkRole(deps, mount, suffix)
  const rule: RateRule = {
    id: uuid(deps.random),
    name,
    namespace,
    mount: mount?.accessor ?? '',
    suffix,
    role: input.role,
    rate: input.rate,
    interval: input.interval || 1,
    blockInterval: input.block_interval,
    inheritable: input.inheritable ?? (namespace === '' && !mount),
  }
  await deps.quotas.put(rule)
  return empty()
}

function target({ locate }: QuotaDeps, raw: string): { namespace: string; mount: Mount | undefined; suffix: string } {
  const asked = raw.replace(/^\/+|\/+$/g, '')
  const { namespace, path: inside, mount } = locate((asked === '' ? '' : `${parsePath(asked)}/`) as CanonPath)
  if (inside !== '' && !mount) throw new Fault('invalid', `invalid mount path ${JSON.stringify(inside)}`)
  return { namespace, mount, suffix: inside.slice(mount?.path.length ?? 0).replace(/\/$/, '') }
}

function checkRole({ moduleOf }: QuotaDeps, mount: Mount | undefined, suffix: string): void {
  if (suffix !== '') {
    const rule = 'If a role is provided, path must be a valid auth mount with a concept of roles'
    throw new Fault('invalid', `Quotas cannot contain both a path suffix and a role. ${rule}`)
  }
  const at = `Mount path ${JSON.stringify(mount?.path ?? '')}`
  if (mount?.class !== 'auth') {
    throw new Fault('invalid', `${at} is not a valid auth method and therefore unsuitable for use with role-based quotas`)
  }
  if (!moduleOf(mount)?.roleOf) throw new Fault('invalid', `${at} does not support use with role-based quotas`)
}

async function remove(quotas: Quotas, name: string): Promise<Reply> {
  await quotas.delete(name)
  return empty()
}
