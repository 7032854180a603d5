// Auth method: an X509-SVID by the certificate of the connection, or a JWT-SVID, proves who logs in; for workloads that have an identity.
import { any, int, maybe, or, secret, text } from '../../base/fields.ts'
import { type Module, type Path, path } from '../../contract/module.ts'
import { logIn, renew, roleOfLogin } from './login.ts'
import { deleteBundle, deleteRole, listBundles, listRoles, readGivenBundle, readRole, roleExists, writeBundle, writeRole } from './role-ops.ts'
import { roleFields } from './roles.ts'
import { readSettings, settingsFields, writeSettings } from './settings.ts'
import type { Trust } from './trust.ts'
import { sweepUsed } from './used.ts'

const roleName = { name: text('Name of the role; letter case makes no difference.') }
const page = { after: or(text('Name after which the list starts.'), ''), limit: or(int('Names at most; 0 for all.'), 0) }
const loginInput = {
  role: or(text('The role to log in to; the default one, or the only one that fits, where none is named.'), ''),
  jwt: maybe(secret(text('A JWT-SVID. Without it, the X509-SVID of the connection counts.'))),
  token: maybe(secret(text('The same as jwt.'))),
}
const trustDomain = { trust_domain: text('Name of a trust domain.') }
const bundleInput = {
  bundle: maybe(any('The bundle document of the trust domain (a JWKS), as an object or as text.')),
  pem: maybe(text('Instead of it, the X.509 authorities as PEM.')),
}

export function spiffeAuth(trust: Trust): Module {
  return {
    kind: 'auth',
    type: 'spiffe',
    doc: 'Log in with a SPIFFE identity: an X509-SVID or a JWT-SVID.',
    renew: (ctx, token) => renew(ctx, token, trust),
    sweep: sweepUsed,
    roleOf: roleOfLogin,
    paths: [
      path('login', 'Logging in.', {}, (op) => ({
        write: op({
          doc: 'Log in with a JWT-SVID, or with the X509-SVID that the connection was made with.',
          input: loginInput,
          access: 'open',
          run: (ctx, input) => logIn(ctx, input, trust),
        }),
      })),
      path('config', 'The settings of this mount.', {}, (op) => ({
        write: op({ doc: 'Change what is sent.', input: settingsFields, run: writeSettings }),
        read: op({ doc: 'Read them.', output: settingsFields, run: readSettings }),
      })),
      path('role', 'The roles of this mount.', {}, (op) => ({ list: op({ doc: 'List the names of the roles.', input: page, run: listRoles }) })),
      path('role/:name', 'A role.', roleName, (op) => ({
        write: op({ doc: 'Create a role, or change what is sent.', input: roleFields, exists: roleExists, run: writeRole }),
        read: op({ doc: 'Read a role.', output: roleFields, run: readRole }),
        delete: op({ doc: 'Remove a role. Tokens given before live on until they must be renewed.', run: deleteRole }),
      })),
      ...bundlePaths(trust),
    ],
  }
}

function bundlePaths(trust: Trust): Path[] {
  return [
    path('bundles', 'Foreign trust domains.', {}, (op) => ({
      list: op({ doc: 'List the trust domains that this mount has bundles of.', input: page, run: listBundles }),
    })),
    path('bundles/:trust_domain', 'The bundle of a foreign trust domain.', trustDomain, (op) => ({
      write: op({
        doc: 'Believe identities of a trust domain, by this bundle.',
        input: bundleInput,
        run: (ctx, input) => writeBundle(ctx, input, trust),
      }),
      read: op({ doc: 'Read what is in it.', run: readGivenBundle }),
      delete: op({ doc: 'Believe it no more.', run: deleteBundle }),
    })),
  ]
}
