// The endpoints that read, write and reset one setting of a role each, made from one table over the role's own fields.
import { coreFault, Fault } from '../../base/fault.ts'
import { policyNames } from '../../base/policy-names.ts'
import type { Field, Shape } from '../../base/fields.ts'
import type { JsonObject } from '../../base/json.ts'
import { type Ctx, type Path, path } from '../../contract/module.ts'
import { data, empty, missing, type Reply } from '../../contract/reply.ts'
import { transact } from '../../store/transact.ts'
import { normalise } from '../normalise.ts'
import { openDigest } from '../salt.ts'
import {} from '../token-fields.ts'
import { refuseBlocks } from './address-blocks.ts'
import { mergeRole, orNull, type Role, type RoleInput, type RoleNamed, roleInput, roles, saveRole, showRole, tooLong } from './roles.ts'

type RoleField = keyof typeof roleInput

interface Facet {
  readonly name: string
  readonly doc: string
  /** The fields it takes and shows. */
  readonly fields: readonly RoleField[]
  /** The field that is named as missing where none is sent; without it such a write changes nothing. */
  readonly needs?: string
  /** What DELETE writes; without it there is no DELETE. */
  readonly reset?: RoleInput
  /** Only settled with the whole role. */
  readonly readOnly?: true
  /** What is shown, where the role as a whole shows it otherwise or not at all. */
  readonly show?: (role: Role) => JsonObject
  readonly warning?: string
  /** Why a write can't be taken, where this endpoint has words of its own for it. */
  readonly refuse?: (input: RoleInput, role: Role, maxTtl: number) => string | undefined
}

const FACETS: readonly Facet[] = [
  {
    name: 'role-id',
    doc: 'The role ID.',
    fields: ['role_id'],
    show: (role) => ({ role_id: role.roleId }),
    refuse: ({ role_id = '' }) => (role_id === '' ? 'missing role_id' : undefined),
  },
  {
    name: 'policies',
    doc: 'The policies of tokens.',
    fields: ['token_policies', 'policies'],
    needs: 'token_policies',
    reset: { token_policies: [] },
  },
  {
    name: 'bind-secret-id',
    doc: 'Whether logins need a secret ID.',
    fields: ['bind_secret_id'],
    needs: 'bind_secret_id',
    reset: { bind_secret_id: true },
  },
  {
    name: 'secret-id-num-uses',
    doc: 'The uses of new secret IDs.',
    fields: ['secret_id_num_uses'],
    needs: 'secret_id_num_uses',
    reset: { secret_id_num_uses: 0 },
  },
  { name: 'secret-id-ttl', doc: 'The life of new secret IDs.', fields: ['secret_id_ttl'], needs: 'secret_id_ttl', reset: { secret_id_ttl: 0 } },
  {
    name: 'secret-id-bound-cidrs',
    doc: 'The address blocks of logins.',
    fields: ['secret_id_bound_cidrs'],
    reset: { secret_id_bound_cidrs: [] },
    refuse: ({ secret_id_bound_cidrs }) => refuseSources(secret_id_bound_cidrs),
  },
  {
    name: 'bound-cidr-list',
    doc: 'The address blocks of logins, by their older name.',
    fields: ['bound_cidr_list'],
    reset: { bound_cidr_list: [] },
    show: (role) => ({ bound_cidr_list: orNull(role.secretIdBoundCidrs) }),
    warning: 'The "bound_cidr_list" field is deprecated and will be removed. Please use "secret_id_bound_cidrs" instead.',
    refuse: ({ bound_cidr_list }) => refuseSources(bound_cidr_list),
  },
  {
    name: 'token-bound-cidrs',
    doc: 'The address blocks of tokens.',
    fields: ['token_bound_cidrs'],
    reset: { token_bound_cidrs: [] },
    show: (role) => ({ token_bound_cidrs: orNull(role.token.boundCidrs) }),
  },
  { name: 'token-num-uses', doc: 'The uses of tokens.', fields: ['token_num_uses'], needs: 'token_num_uses', reset: { token_num_uses: 0 } },
  {
    name: 'token-ttl',
    doc: 'The life of tokens.',
    fields: ['token_ttl'],
    needs: 'token_ttl',
    reset: { token_ttl: 0 },
    refuse: ({ token_ttl = 0 }, { token }) =>
      token.maxTtl > 0 && token_ttl > token.maxTtl ? 'token_ttl should not be greater than token_max_ttl' : undefined,
  },
  {
    name: 'token-max-ttl',
    doc: 'The longest life of tokens.',
    fields: ['token_max_ttl'],
    needs: 'token_max_ttl',
    reset: { token_max_ttl: 0 },
    refuse: ({ token_max_ttl = 0 }, { token }) =>
      token_max_ttl > 0 && token.ttl > token_max_ttl ? 'token_max_ttl should be greater than or equal to token_ttl' : undefined,
  },
  {
    name: 'period',
    doc: 'The period of tokens.',
    fields: ['token_period', 'period'],
    needs: 'period',
    reset: { token_period: 0 },
    refuse: ({ token_period, period = 0 }, _, maxTtl) => tooLong(token_period ?? period, maxTtl),
  },
  { name: 'local-secret-ids', doc: 'Whether secret IDs stay in this cluster.', fields: ['local_secret_ids'], readOnly: true },
]

function refuseSources(blocks: readonly string[] | undefined): string | undefined {
  return blocks?.length === 0 ? 'missing bound_cidr_list' : refuseBlocks(blocks ?? [], 'CIDR blocks')
}

/** One path for each setting. */
export function facets(params: { readonly role_name: Field<string> }): Path[] {
  return FACETS.map((facet) => {
    const shape = pick(facet.fields)
    return path(`role/:role_name/${facet.name}`, facet.doc, params, (op) => ({
      read: op({ doc: 'Read it.', output: shape, run: (ctx, input) => read(ctx, input, facet) }),
      ...(facet.readOnly ? {} : { write: op({ doc: 'Set it.', input: shape, run: (ctx, input) => write(ctx, input, facet) }) }),
      ...(facet.reset ? { delete: op({ doc: 'Set it back to what a new role has.', run: (ctx, input) => reset(ctx, input, facet) }) } : {}),
    }))
  })
}

function pick(fields: readonly RoleField[]): Shape {
  return Object.fromEntries(fields.map((field) => [field, roleInput[field]]))
}

function read(ctx: Ctx, input: RoleNamed, { fields, show = showRole, warning }: Facet): Reply {
  const role = roles.get(ctx.store, normalise('role', input.role_name))
  if (!role) return missing()
  const shown = show(role)
  if (warning) ctx.warn(warning)
  return data(Object.fromEntries(fields.flatMap((field) => (shown[field] === undefined ? [] : [[field, shown[field]]]))))
}

async function write(ctx: Ctx, input: RoleNamed & RoleInput, facet: Facet): Promise<Reply> {
  const found = await change(ctx, input.role_name, (role) => {
    if (facet.needs && facet.fields.every((field) => input[field] === undefined)) throw new Fault('invalid', `missing ${facet.needs}`)
    const refusal = facet.refuse?.(input, role, ctx.bounds.maxTtl)
    if (refusal) throw new Fault('invalid', refusal)
    return mergeRole(role, input.token_policies ? { ...input, token_policies: policyNames(input.token_policies) } : input)
  })
  if (!found) throw coreFault('missing', 'unsupported path')
  return empty()
}

async function reset(ctx: Ctx, input: RoleNamed, facet: Facet): Promise<Reply> {
  await change(ctx, input.role_name, (role) => mergeRole(role, facet.reset ?? {}))
  return empty()
}

/** False where there is no such role. */
async function change(ctx: Ctx, roleName: string, next: (role: Role) => Role): Promise<boolean> {
  const name = normalise('role', roleName)
  const digest = await openDigest(ctx)
  return transact(ctx.store, (tx) => {
    const role = roles.get(tx, name)
    if (!role) return false
    saveRole(tx, digest, name, next(role), role)
    return true
  })
}
