// Help pages, derived from the declarations of commands and flags.
import type { Command, Group, Node } from './command.ts'
import { flagSections } from './common-flags.ts'
import { PREFIXES } from './environment.ts'
import type { Flag, Flags } from './flag.ts'
import { wrap } from './output/wrap.ts'

const COMMON = ['read', 'write', 'delete', 'list', 'login', 'dev', 'server', 'status', 'unwrap']

export function rootHelp(commands: Readonly<Record<string, Node>>): string {
  const others = Object.keys(commands)
    .filter((name) => !COMMON.includes(name))
    .sort()
  return [
    'Usage: signet <command> [args]',
    `Common commands:\n${summaries(COMMON, commands)}`,
    `Other commands:\n${summaries(others, commands)}`,
    'Help for a command: signet <command> -help',
  ].join('\n\n')
}

export function nodeHelp(path: readonly string[], node: Node): string {
  return node.kind === 'group' ? groupHelp(path, node) : commandHelp(path, node)
}

function groupHelp(path: readonly string[], group: Group): string {
  return [
    `Usage: signet ${path.join(' ')} ${group.itself ? '[subcommand]' : '<subcommand>'} [options] [args]`,
    ...prose(group),
    `Subcommands:\n${summaries(Object.keys(group.commands).sort(), group.commands)}`,
    ...(group.itself ? options(group.itself) : []),
  ].join('\n\n')
}

function commandHelp(path: readonly string[], command: Command): string {
  const some = flagSections(command).length > 0
  const usage = ['Usage: signet', ...path, ...(some ? ['[options]'] : []), ...command.args].join(' ')
  return [usage, ...prose(command), ...options(command)].join('\n\n')
}

function options(command: Command): string[] {
  return flagSections(command).map(({ title, flags }) => `${title}:\n\n${flagHelp(flags)}`)
}

function prose({ doc, about }: { readonly doc: string; readonly about?: string }): readonly string[] {
  const indented = about
    ?.replace(/^\n+|\s+$/g, '')
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n')
  return [wrap(/[.?!]$/.test(doc) ? doc : `${doc}.`, 2), ...(indented === undefined ? [] : [indented])]
}

function summaries(names: readonly string[], commands: Readonly<Record<string, Node>>): string {
  const width = Math.max(...names.map((name) => name.length))
  return names.map((name) => `    ${name.padEnd(width)}    ${commands[name]?.doc ?? ''}`).join('\n')
}

const EXAMPLES = { text: 'string', bool: undefined, int: 'int', duration: 'duration', list: 'string', pairs: 'key=value' } as const

function flagHelp(flags: Flags): string {
  const shown = Object.entries(flags).filter(([, flag]) => !flag.hidden)
  return shown.map(([name, flag]) => describe(name, flag as Flag<unknown>)).join('\n\n')
}

function describe(name: string, flag: Flag<unknown>): string {
  const example = EXAMPLES[flag.kind]
  const aliases = flag.aliases.length > 0 ? ` Also -${flag.aliases.join(', -')}.` : ''
  const fallback = isPlain(flag.fallback) ? ` The default is ${flag.fallback}.` : ''
  const env = flag.env === undefined ? '' : ` Also by ${PREFIXES.map((prefix) => prefix + flag.env).join(' or ')}.`
  return `  -${name}${example === undefined ? '' : `=<${example}>`}\n${wrap(flag.doc + aliases + fallback + env, 6)}`
}

function isPlain(fallback: unknown): boolean {
  return (typeof fallback === 'string' && fallback !== '') || typeof fallback === 'number' || fallback === true
}
