// A TPM in software (swtpm) with a certified endorsement key, driven by tpm2-tools.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'

export interface TestTpm {
  /** A file in the TPM's folder. */
  at(name: string): string
  read(name: string): Buffer
  /** A tool, in the folder, with nothing left loaded after it. */
  run(tool: string, ...args: string[]): void
  /** A key below the storage root, loaded as `<name>.ctx`; its TPMT_PUBLIC. */
  key(name: string, attributes: string, kind?: string): Buffer
  /** TPMT_PUBLIC and certificate of its endorsement key. */
  readonly endorsement: { readonly publicArea: Buffer; readonly certificate: Buffer }
  /** PEM of those who certified it. */
  readonly makers: string
  /** Where programs can talk to it. */
  readonly socket: string
  close(): void
}

/** Tests that need one; where there can't be one they are one test that is skipped. */
export function describeWithTpm(name: string, body: () => void): void {
  const absent = ['swtpm_setup', 'tpm2_createprimary'].find((tool) => spawnSync(tool, ['--version']).error !== undefined)
  if (absent === undefined) describe(name, body)
  else test(name, { skip: `${absent} is not installed` }, () => {})
}

export const DEVICE_KEY = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign'
export const ATTESTATION_KEY = `${DEVICE_KEY}|restricted`
export const RSA = 'rsa2048:rsassa-sha256:null'

const LOADS_NOTHING = new Set(['tpm2_startauthsession', 'tpm2_policysecret', 'tpm2_flushcontext', 'tpm2_nvread'])
const ENDORSEMENT = { handle: '0x81010001', certificate: '0x1c00002' }

/** Made anew, in an empty folder. */
export async function openTestTpm(dir: string): Promise<TestTpm> {
  const at = (name: string) => join(dir, name)
  manufacture(dir)
  const socket = at('tpm.sock')
  const server = await serve(dir, socket)
  const run = (tool: string, ...args: string[]) => {
    const options = { cwd: dir, env: { ...process.env, TPM2TOOLS_TCTI: `swtpm:path=${socket}` }, stdio: 'ignore' } as const
    execFileSync(tool, args, options)
    if (!LOADS_NOTHING.has(tool)) execFileSync('tpm2_flushcontext', ['-t'], options)
  }
  const read = (name: string) => readFileSync(at(name))
  run('tpm2_createprimary', '-Q', '-C', 'o', '-G', 'ecc', '-c', 'srk.ctx')
  run('tpm2_readpublic', '-Q', '-c', ENDORSEMENT.handle, '-o', 'ek.pub')
  run('tpm2_nvread', '-Q', '-C', 'o', ENDORSEMENT.certificate, '-o', 'ek.cert')
  return {
    at,
    read,
    run,
    socket,
    key(name, attributes, kind = 'ecc256:ecdsa-sha256') {
      const files = ['-u', `${name}.pub`, '-r', `${name}.priv`]
      run('tpm2_create', '-Q', '-C', 'srk.ctx', '-G', kind, '-g', 'sha256', '-a', attributes, ...files)
      run('tpm2_load', '-Q', '-C', 'srk.ctx', ...files, '-c', `${name}.ctx`)
      return read(`${name}.pub`).subarray(2)
    },
    endorsement: { publicArea: read('ek.pub').subarray(2), certificate: read('ek.cert') },
    makers: readFileSync(at('ca/issuercert.pem'), 'utf8'),
    close: () => void server.kill('SIGKILL'),
  }
}

function manufacture(dir: string): void {
  const at = (name: string) => join(dir, name)
  mkdirSync(at('state'), { recursive: true })
  mkdirSync(at('ca'))
  const authority = { statedir: at('ca'), signingkey: at('ca/signkey.pem'), issuercert: at('ca/issuercert.pem'), certserial: at('ca/certserial') }
  const setup = { create_certs_tool: 'swtpm_localca', create_certs_tool_config: at('localca.conf'), create_certs_tool_options: at('localca.options') }
  const lines = (values: Record<string, string>) =>
    Object.entries(values)
      .map(([name, value]) => `${name} = ${value}\n`)
      .join('')
  writeFileSync(at('localca.conf'), lines(authority))
  writeFileSync(at('localca.options'), '--platform-manufacturer Signet\n--platform-version 1\n--platform-model test\n')
  writeFileSync(at('setup.conf'), lines({ ...setup, active_pcr_banks: 'sha256' }))
  execFileSync('swtpm_setup', ['--tpm2', '--tpmstate', at('state'), '--create-ek-cert', '--config', at('setup.conf')], { stdio: 'ignore' })
}

/** Resolves once it can be talked to. */
async function serve(dir: string, socket: string): Promise<ChildProcess> {
  const ways = ['--server', `type=unixio,path=${socket}`, '--ctrl', `type=unixio,path=${socket}.ctrl`]
  const server = spawn('swtpm', ['socket', '--tpm2', '--tpmstate', `dir=${join(dir, 'state')}`, ...ways, '--flags', 'not-need-init,startup-clear'], {
    stdio: 'ignore',
  })
  while (!existsSync(socket) || !existsSync(`${socket}.ctrl`)) {
    if (server.exitCode !== null) throw new Error('swtpm ended')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return server
}
