// Runs the test files, prints what failed, and ends with the line `N passed, N failed, N skipped`. In CI a skip is a failure.
import { globSync } from 'node:fs'
import { run } from 'node:test'

const named = process.argv.slice(2)
const files = named.length > 0 ? named : globSync('{src,test,bench,tools}/**/*.test.ts').sort()
const counts = { passed: 0, failed: 0, skipped: 0 }
const inCi = process.env['CI'] === 'true'

interface Result {
  readonly name: string
  readonly file?: string
  readonly skip?: string | boolean
  readonly details: { readonly type?: string; readonly error?: Error & { cause?: unknown; failureType?: string } }
}

function where({ file, name }: Result): string {
  return `${(file ?? '').replace(`${process.cwd()}/`, '')}: ${name}`
}

/** A suite passes or fails as its tests do, which count; but not one that is skipped whole, or whose own preparation fails. */
function isToldByItsTests({ details, skip }: Result): boolean {
  return details.type === 'suite' && skip === undefined && (details.error === undefined || details.error.failureType === 'subtestsFailed')
}

const tests = run({ files, concurrency: 2, timeout: 15 * 60_000, execArgv: ['--disable-proto=delete'] })
tests.on('test:pass', (result: Result) => {
  if (isToldByItsTests(result)) return
  if (result.skip === undefined) {
    counts.passed++
    return
  }
  console.log(`skipped  ${where(result)} ${result.skip === true ? '' : `(${result.skip})`}`)
  if (inCi) counts.failed++
  else counts.skipped++
})
tests.on('test:fail', (result: Result) => {
  if (isToldByItsTests(result)) return
  counts.failed++
  console.log(`FAILED   ${where(result)}`)
  console.log(result.details.error?.cause ?? result.details.error)
})
tests.on('test:stderr', ({ message }: { message: string }) => void process.stderr.write(message))
for await (const _ of tests); // read to the end
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0
