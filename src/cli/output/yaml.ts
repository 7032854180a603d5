// YAML 1.1 of JSON values, quoted where a reader would take a text for something else (go-yaml's rules).
import { isObject, isRawNumber, type Json, type JsonObject } from '../../base/json.ts'

/** Block style, keys sorted, no newline at the end. */
export function toYaml(value: Json): string {
  return node(value, '').replace(/^\n/, '')
}

/** What follows `key:` or `-`: a scalar after a space, or lines of their own. */
function node(value: Json, indent: string): string {
  if (Array.isArray(value)) return value.length === 0 ? '[]' : value.map((item) => `\n${indent}- ${nested(item, `${indent}  `)}`).join('')
  if (isObject(value)) return Object.keys(value).length === 0 ? '{}' : `\n${mapping(value, indent)}`
  return scalar(value, indent)
}

/** A list's item: a map or list in it begins on the line of the dash. */
function nested(value: Json, indent: string): string {
  return node(value, indent).replace(/^\n\s*/, '')
}

function mapping(value: JsonObject, indent: string): string {
  const lines = Object.keys(value)
    .sort()
    .map((key) => {
      const inner = value[key] as Json
      const body = node(inner, Array.isArray(inner) ? indent : `${indent}  `)
      return `${indent}${inline(key)}:${body.startsWith('\n') ? '' : ' '}${body}`
    })
  return lines.join('\n')
}

function scalar(value: Json, indent: string): string {
  if (typeof value !== 'string') return isRawNumber(value) ? value.rawJSON : String(value)
  return isBlock(value) ? block(value, indent === '' ? '  ' : indent) : inline(value)
}

/** A text on one line: a key, or a value. */
function inline(value: string): string {
  if (UNPRINTABLE.test(value) || value.includes('\n') || isOtherType(value)) return quoted(value)
  return isPlain(value) ? value : `'${value.replaceAll("'", "''")}'`
}

function quoted(value: string): string {
  return JSON.stringify(value).replace(/[\u007f-\u009f\u2028\u2029\ufeff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what has to be escaped
const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff]/

/** Texts of several lines stay readable, unless their spaces could not be told apart. */
function isBlock(value: string): boolean {
  return value.includes('\n') && !UNPRINTABLE.test(value) && !/^[\s]|[ ]$|[ ]\n/.test(value)
}

function block(value: string, indent: string): string {
  const body = value.replace(/\n+$/, '')
  const tail = value.length - body.length
  const lines = body.split('\n').map((line) => (line === '' ? '' : indent + line))
  return `|${tail === 0 ? '-' : tail === 1 ? '' : '+'}\n${lines.join('\n')}${'\n'.repeat(Math.max(0, tail - 1))}`
}

const OTHER_TYPES = [
  /^(|~|null|Null|NULL|<<|=)$/,
  /^(y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF|true|True|TRUE|false|False|FALSE)$/,
  /^[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)$/,
  /^[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?$/,
  /^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$/,
  /^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$/,
  /^\d{4}-\d\d?-\d\d?([Tt ]+\d\d?:\d\d:\d\d(\.\d*)?([ ]*(Z|[-+]\d\d?(:?\d\d)?))?)?$/,
]

function isOtherType(value: string): boolean {
  return OTHER_TYPES.some((type) => type.test(value))
}

function isPlain(value: string): boolean {
  if (/^[#,[\]{}&*!|>'"%@`]|^[-?:]($|\s)|^---|^\.\.\./.test(value)) return false
  return !/^\s|\s$|:\s|:$|\s#/.test(value)
}
