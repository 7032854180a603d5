// PostgreSQL from the system's packages, in a folder of the test's own, with its TLS files where a test can replace them.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmodSync, chownSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import pg from 'pg'
import { until } from '../processes/load.ts'
import { folder, freePort } from '../support/server.ts'

const run = promisify(execFile)
const [bin] = globSync(['/usr/lib/postgresql/*/bin/initdb', '/usr/bin/initdb']).map((path) => path.replace(/\/initdb$/, ''))

export const missing: string | false = bin === undefined ? 'PostgreSQL is not installed' : false

export interface TlsTexts {
  readonly cert: string
  readonly key: string
  /** Whom to believe. */
  readonly ca: string
  /** Whom not, all the same; nothing is looked for where it is missing when the server starts. */
  readonly crl?: string
}

export interface Postgres {
  readonly port: number
  /** As the superuser, by the socket. */
  query(sql: string): Promise<pg.QueryResult>
  /** Replaces the TLS files, and returns once new connections go by them. */
  reload(tls: TlsTexts): Promise<void>
}

/** What it refuses to run as, where the test runs as root. */
function account(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const [, uid = '', gid = ''] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? []
  return { uid: Number(uid), gid: Number(gid) }
}

export async function startPostgres(t: TestContext, tls: TlsTexts, { hba, ident }: { hba: string; ident: string }): Promise<Postgres> {
  const as = account()
  const at = folder(t)
  if (as) chownSync(at, as.uid, as.gid)
  const data = join(at, 'data')
  const port = await freePort()
  await run(`${bin}/initdb`, ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C'], { ...as, cwd: at })
  const files = { cert: join(at, 'server.pem'), key: join(at, 'server.key'), ca: join(at, 'ca.pem'), crl: join(at, 'crl.pem') }
  const write = (texts: TlsTexts) => {
    for (const name of ['cert', 'key', 'ca', 'crl'] as const) {
      writeFileSync(files[name], texts[name] ?? '')
      chmodSync(files[name], 0o600)
      if (as) chownSync(files[name], as.uid, as.gid)
    }
  }
  write(tls)
  writeFileSync(join(data, 'pg_hba.conf'), `local all postgres trust\n${hba}`)
  writeFileSync(join(data, 'pg_ident.conf'), ident)
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: at,
    fsync: 'off',
    ...{ ssl: 'on', ssl_cert_file: files.cert, ssl_key_file: files.key, ssl_ca_file: files.ca },
    ...(tls.crl === undefined ? {} : { ssl_crl_file: files.crl }),
  }
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = spawn(`${bin}/postgres`, ['-D', data, ...args], { ...as, cwd: at, stdio: ['ignore', 'ignore', 'pipe'] })
  const told = watch(t, server)
  const query = async (sql: string) => {
    const client = new pg.Client({ host: at, port, user: 'postgres', database: 'postgres' })
    await client.connect()
    return client.query(sql).finally(() => client.end())
  }
  await until('PostgreSQL answers', () =>
    query('SELECT 1').then(
      () => true,
      () => false,
    ),
  )
  const loaded = async () => String((await query('SELECT pg_conf_load_time()::text AS at')).rows[0]?.['at'])
  return {
    port,
    query,
    async reload(texts) {
      write(texts)
      const before = await loaded()
      await query('SELECT pg_reload_conf()')
      await until('the files are loaded', async () => (await loaded()) !== before)
      if (told().includes('could not load')) throw new Error(told())
    },
  }
}

/** What it says, shown where the test fails. */
function watch(t: TestContext, server: ChildProcess): () => string {
  let text = ''
  server.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  t.after(async () => {
    const exit = server.exitCode === null && server.signalCode === null ? new Promise((resolve) => server.once('exit', resolve)) : undefined
    server.kill('SIGQUIT')
    await exit
    t.diagnostic(text.slice(-2_000))
  })
  return () => text
}
