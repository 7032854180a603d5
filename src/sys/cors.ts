// sys/config/cors: which web pages may call the API from a browser.
import { bool, list, or } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import { type Path, path } from '../contract/module.ts'
import { data, empty, type Reply } from '../contract/reply.ts'
import { decode, encode } from '../store/records.ts'
import type { Space } from '../store/space.ts'
import { transact } from '../store/transact.ts'

export interface Cors {
  readonly origins: readonly string[]
  /** Those that the API needs and those that were asked for. */
  readonly headers: readonly string[]
  readonly credentials: boolean
}

export interface CorsSettings {
  /** Undefined where no page may. */
  current(): Cors | undefined
  readonly paths: readonly Path[]
}

const KEY = 'core/cors'

const API_HEADERS = ['Content-Type', 'Authorization', 'X-Vault-Token', 'X-Vault-Namespace', 'X-Vault-MFA', 'X-Vault-No-Request-Forwarding']
  .concat(['X-Vault-Request', 'X-Vault-Wrap-Format', 'X-Vault-Wrap-TTL', 'X-Requested-With'])
  .concat(['X-Vault-AWS-IAM-Server-ID', 'X-Vault-Policy-Override'])

const input = {
  allowed_origins: or(list('Origins of pages, as https://host:port; * alone for any.'), []),
  allowed_headers: or(list('Headers that pages may send beside those of the API.'), []),
  allow_credentials: or(bool('Let browsers send client certificates by themselves.'), false),
}

export function openCorsSettings(space: Pick<Space, 'store' | 'cache'>): CorsSettings {
  const current = space.cache(KEY, () => {
    const entry = space.store.get(KEY)
    return entry && decode<Cors>(entry.value)
  })

  async function set(cors: Cors | undefined): Promise<Reply> {
    await transact(space.store, (tx) => (cors ? tx.put(KEY, encode(cors)) : tx.delete(KEY)))
    return empty()
  }

  return {
    current,
    paths: [
      path('config/cors', 'Which web pages may call the API.', {}, (op) => ({
        read: op({ doc: 'Read the settings.', access: 'sudo', run: () => data(shown(current()), { spread: true }) }),
        write: op({ doc: 'Let pages call the API.', access: 'sudo', input, run: (_, asked) => set(checked(asked)) }),
        delete: op({ doc: 'Let no page call the API.', access: 'sudo', run: () => set(undefined) }),
      })),
    ],
  }
}

function checked(asked: { readonly allowed_origins: string[]; readonly allowed_headers: string[]; readonly allow_credentials: boolean }): Cors {
  const { allowed_origins: origins, allowed_headers: more, allow_credentials: credentials } = asked
  if (origins.length === 0) throw new Fault('invalid', 'at least one origin or the wildcard must be provided')
  if (origins.includes('*') && origins.length > 1)
    throw new Fault('invalid', "to allow all origins the '*' must be the only value for allowed_origins")
  if (origins.includes('*') && credentials) throw new Fault('invalid', 'allow_credentials needs origins by name: any page could act for its reader')
  const wrong = more.find((name) => !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
  if (wrong !== undefined) throw new Fault('invalid', `${JSON.stringify(wrong)} is no name of a header`)
  return { origins, headers: [...API_HEADERS, ...more.filter((name) => !API_HEADERS.includes(name))], credentials }
}

function shown(cors: Cors | undefined) {
  if (!cors) return { enabled: false }
  return { enabled: true, allowed_origins: [...cors.origins], allowed_headers: [...cors.headers], allow_credentials: cors.credentials }
}
