// The flags that commands share: how to reach the server, and how to print.
import type { Command } from './command.ts'
import { bool, duration, type Flags, hidden, list, or, orEnv, pairs, text } from './flag.ts'

export const DEFAULT_ADDRESS = 'https://127.0.0.1:8200'

export const connectionFlags = {
  address: orEnv(or(text('Address of the server: http://, https:// or unix://.'), DEFAULT_ADDRESS), 'ADDR'),
  'agent-address': orEnv(text('Address of an agent to ask in place of the server.'), 'AGENT_ADDR'),
  'ca-cert': orEnv(text('File with PEM certificates to trust the server by. Takes precedence over -ca-path.'), 'CACERT'),
  'ca-path': orEnv(text('Folder of files with PEM certificates to trust the server by.'), 'CAPATH'),
  'client-cert': orEnv(text('File with the PEM certificate to show to the server; -client-key is needed as well.'), 'CLIENT_CERT'),
  'client-key': orEnv(text('File with the PEM private key of -client-cert.'), 'CLIENT_KEY'),
  'disable-redirects': orEnv(bool('Do not follow the redirect that a standby may answer with.'), 'DISABLE_REDIRECTS'),
  header: pairs('Header to add to every request, as key=value; not one of X-Vault-*. May be given many times.'),
  mfa: orEnv(list('Credentials for the X-Vault-MFA header. May be given many times.'), 'MFA'),
  namespace: orEnv(text('Namespace to work in; -ns for short.'), 'NAMESPACE'),
  'non-interactive': bool('Never ask on the terminal, and read nothing from standard input.'),
  ns: hidden(text('The same as -namespace, over which it takes precedence.')),
  'output-curl-string': bool('Print a curl command for the request in place of sending it.'),
  'output-policy': bool('Print the policy that the request needs in place of sending it.'),
  'tls-server-name': orEnv(text("Name to expect in the server's certificate (SNI)."), 'TLS_SERVER_NAME'),
  'tls-skip-verify': orEnv(bool('Trust any certificate. This gives the token and every secret to whoever sits between.'), 'SKIP_VERIFY'),
  'wrap-ttl': orEnv(duration('Ask for an answer that is wrapped in a one-time token for so long; see "signet unwrap".'), 'WRAP_TTL'),
}

const format = {
  ...orEnv(or(text('How to print: table, json, yaml, or raw (read only).'), 'table'), 'FORMAT'),
  choices: ['table', 'json', 'yaml', 'raw'],
}
const field = text('Print only this field, without a newline where the output is no terminal. Takes precedence over other output flags.')
const detailed = orEnv(bool('Print more about each entry, where the server tells more.'), 'DETAILED')

const OUTPUT_FLAGS: Readonly<Record<Command['output'], Flags>> = {
  none: {},
  format: { format },
  field: { field, format },
  detailed: { detailed, format },
}

/** All flags of a command, in the sections of its help page. */
export function flagSections(command: Command): readonly { readonly title: string; readonly flags: Flags }[] {
  const sections = [
    { title: 'HTTP Options', flags: command.local ? {} : connectionFlags },
    { title: 'Output Options', flags: OUTPUT_FLAGS[command.output] },
    { title: 'Command Options', flags: command.flags },
  ]
  return sections.filter((section) => Object.keys(section.flags).length > 0)
}

export function allFlags(command: Command): Flags {
  return Object.assign({}, ...flagSections(command).map((section) => section.flags))
}
