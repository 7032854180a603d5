// sys/policies/acl and the older sys/policy: the texts of policies.
import { or, text } from '../base/fields.ts'
import { type Path, path } from '../contract/module.ts'
import { data, empty, keys, missing, type Reply } from '../contract/reply.ts'
import type { Policies } from '../policy/policies.ts'
import type { Tenant, TenantOf } from './tenant.ts'

export function policyPaths(tenant: TenantOf): Path[] {
  return [...endpoints(tenant, 'policies/acl', 'policy'), ...endpoints(tenant, 'policy', 'rules')]
}

/** `field` is the name under which the text is read: the two families differ in nothing else. */
function endpoints(tenant: TenantOf, at: string, field: 'policy' | 'rules'): Path[] {
  const param = { name: text('Name of the policy; lower-cased.') }
  const input = { policy: or(text('Its rules, as HCL or JSON, or either in base64.'), ''), rules: or(text('Old name of policy.'), '') }
  return [
    path(at, 'All ACL policies.', {}, (op) => ({
      list: op({ doc: 'List the names.', run: (ctx) => keys(names(tenant(ctx))) }),
      read: op({ doc: 'List the names.', run: (ctx) => listed(names(tenant(ctx))) }),
    })),
    path(`${at}/:name`, 'An ACL policy.', param, (op) => ({
      read: op({ doc: 'Read a policy.', run: (ctx, { name }) => read(tenant(ctx).policies, name, field) }),
      write: op({
        doc: 'Create or replace a policy.',
        input,
        run: (ctx, given) => write(tenant(ctx).policies, given.name, given.policy || given.rules),
      }),
      delete: op({
        doc: 'Delete a policy.',
        async run(ctx, { name }) {
          await tenant(ctx).policies.delete(name)
          return empty()
        },
      }),
    })),
  ]
}

function listed(all: string[]): Reply {
  return data({ keys: all, policies: all }, { spread: true })
}

function read(policies: Policies, name: string, field: 'policy' | 'rules'): Reply {
  const found = policies.get(name)
  if (found === undefined) return missing()
  return data({ name: found.name, [field]: found.text }, field === 'rules' ? { spread: true } : {})
}

async function write(policies: Policies, name: string, text: string): Promise<Reply> {
  return empty(...(await policies.put(name, text)))
}

/** `root` is shown though it has no rules to read; it is for tokens of the root namespace alone. */
function names({ namespace, policies }: Tenant): string[] {
  return namespace.path === '' ? [...policies.list(), 'root'].sort() : policies.list()
}
