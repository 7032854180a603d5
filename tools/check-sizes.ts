// Files and functions stay small: median file up to 90 lines, nine in ten up to 250, none over 400; functions up to 60.
import { isTest, type Source, sources } from './sources.ts'

const MEDIAN = 90
const P90 = 250
const MAX = 400
const FUNCTION = 60

const files = sources().filter(({ path }) => !isTest(path))
const lengths = files.map(({ text }) => text.split('\n').length).sort((a, b) => a - b)
const at = (part: number) => lengths[Math.floor((lengths.length - 1) * part)] ?? 0
const problems = [
  ...(at(0.5) > MEDIAN ? [`the median file has ${at(0.5)} lines, more than ${MEDIAN}`] : []),
  ...(at(0.9) > P90 ? [`one file in ten has over ${at(0.9)} lines, more than ${P90}`] : []),
  ...files
    .filter(({ text }) => text.split('\n').length > MAX)
    .map(({ path, text }) => `${path} has ${text.split('\n').length} lines, more than ${MAX}`),
  ...files.flatMap(longFunctions),
  ...files.filter(({ text }) => !text.startsWith('// ')).map(({ path }) => `${path} does not start with its purpose`),
]
for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0

/** Functions that are declared at the left margin: with this formatting they end at the next `}` there. */
function longFunctions({ path, text }: Source): string[] {
  const lines = text.split('\n')
  return lines.flatMap((line, start) => {
    const name = /^(?:export )?(?:async )?function\*? (\w+)/.exec(line)?.[1]
    if (name === undefined) return []
    const length = lines.indexOf('}', start) - start + 1
    return length > FUNCTION ? [`${path}: ${name} has ${length} lines, more than ${FUNCTION}`] : []
  })
}
