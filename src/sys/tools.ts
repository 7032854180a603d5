// sys/tools: random bytes and hashes, for clients that have no good source of their own.
import { createHash } from 'node:crypto'
import { or, secret, text } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import type { Random } from '../base/ports.ts'
import { type Path, path } from '../contract/module.ts'
import { data, type Reply } from '../contract/reply.ts'

const MAX_BYTES = 131_072
const SOURCES = ['platform', 'seal', 'all']
const DIGESTS = ['sha2-224', 'sha2-256', 'sha2-384', 'sha2-512', 'sha3-224', 'sha3-256', 'sha3-384', 'sha3-512']

const randomInput = {
  bytes: or(text('How many bytes; 32 where nothing is said.'), '32'),
  format: or(text('"base64" or "hex".'), 'base64'),
}
const hashInput = {
  input: or(secret(text('What to hash, in base64.')), ''),
  algorithm: or(text(`One of ${DIGESTS.join(', ')}.`), 'sha2-256'),
  format: or(text('"hex" or "base64".'), 'hex'),
}
const { bytes, ...randomRest } = randomInput
const { algorithm, ...hashRest } = hashInput

interface RandomInput {
  readonly bytes: string
  readonly format: string
  readonly source?: string
}

export function toolPaths(random: Random): Path[] {
  const drawn = (input: RandomInput) => draw(random, input)
  const source = text('"platform", "seal" or "all": all of them the kernel\'s generator here.')
  return [
    path('tools/random', 'Random bytes.', {}, (op) => ({
      write: op({
        doc: 'Draw random bytes.',
        input: randomInput,
        output: { random_bytes: secret(text('The bytes.')) },
        run: (_, input) => drawn(input),
      }),
    })),
    path('tools/random/:source', 'So many random bytes, or those of a source.', { source: text('How many bytes, or a source.') }, (op) => ({
      write: op({
        doc: 'Draw random bytes.',
        input: randomRest,
        run: (_, input) => drawn(SOURCES.includes(input.source) ? { ...input, bytes: '32' } : { ...input, bytes: input.source, source: 'platform' }),
      }),
    })),
    path('tools/random/:source/:bytes', 'So many random bytes of a source.', { source, bytes }, (op) => ({
      write: op({ doc: 'Draw random bytes.', input: randomRest, run: (_, input) => drawn(input) }),
    })),
    path('tools/hash', 'Hashes.', {}, (op) => ({
      write: op({ doc: 'Hash bytes.', input: hashInput, run: (_, input) => hash(input) }),
    })),
    path('tools/hash/:algorithm', 'Hashes by one algorithm.', { algorithm }, (op) => ({
      write: op({ doc: 'Hash bytes.', input: hashRest, run: (_, input) => hash(input) }),
    })),
  ]
}

function draw(random: Random, { bytes: asked, format, source = 'platform' }: RandomInput): Reply {
  if (!SOURCES.includes(source)) throw new Fault('invalid', `unsupported entropy source "${source}"; must be "platform" or "seal", or "all"`)
  const count = /^[+-]?\d+$/.test(asked) ? Number(asked) : Number.NaN
  if (Number.isNaN(count))
    throw new Fault('invalid', `error parsing url-set byte count: strconv.Atoi: parsing ${JSON.stringify(asked)}: invalid syntax`)
  if (count < 1) throw new Fault('invalid', "'bytes' cannot be less than 1")
  if (count > MAX_BYTES) throw new Fault('invalid', `'bytes' should be less than ${MAX_BYTES}`)
  if (!isFormat(format)) throw new Fault('invalid', `unsupported encoding format ${JSON.stringify(format)}; must be "hex" or "base64"`)
  const warnings = source === 'platform' ? {} : { warnings: ['no seal/entropy augmentation available, using platform entropy source'] }
  return data({ random_bytes: random.bytes(count).toString(format) }, warnings)
}

function hash({ input, algorithm: name, format }: { readonly input: string; readonly algorithm: string; readonly format: string }): Reply {
  if (!isFormat(format)) throw new Fault('invalid', `unsupported encoding format ${format}; must be "hex" or "base64"`)
  if (!DIGESTS.includes(name)) throw new Fault('invalid', `unsupported algorithm ${name}`)
  const digest = createHash(name.replace(/^sha2-/, 'sha'))
  return data({ sum: digest.update(fromBase64(input)).digest(format) })
}

function isFormat(format: string): format is 'hex' | 'base64' {
  return format === 'hex' || format === 'base64'
}

/** Padded base64 of the standard alphabet; Buffer would skip what is none. */
function fromBase64(input: string): Buffer {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?$/.test(input)) {
    const bad = input.search(/[^A-Za-z0-9+/]/)
    throw new Fault('invalid', `unable to decode input as base64: illegal base64 data at input byte ${bad < 0 ? input.length : bad}`)
  }
  return Buffer.from(input, 'base64')
}
