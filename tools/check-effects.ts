// Time, timers, randomness, files, sockets, environment and exit belong to app/: everywhere else they arrive as parameters.
import { isTest, roomOf, type Source, sources } from './sources.ts'

const MODULES = /^node:(fs|net|tls|http|https|http2|dgram|dns|child_process|cluster|worker_threads|perf_hooks|timers|readline|os|process)\b/

const GLOBALS: Readonly<Record<string, RegExp>> = {
  time: /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/,
  timers: /(?<![.\w])(setTimeout|setInterval|setImmediate|queueMicrotask)\(|\bprocess\.nextTick\(/,
  randomness: /\bMath\.random\(|\b(randomBytes|randomUUID|randomInt|randomFill(?:Sync)?|getRandomValues)\(/,
  process: /\bprocess\.(env|argv|exit|stdin|stdout|stderr|on|kill|cwd|pid)\b/,
  network: /(?<![.\w])fetch\(/,
}

const problems = sources()
  .filter(({ path }) => roomOf(path) !== 'app' && !isTest(path))
  .flatMap(effects)
for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0

function effects({ path, text, modules }: Source): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '')
  const used = Object.entries(GLOBALS).filter(([, pattern]) => pattern.test(code))
  return [
    ...modules.filter((name) => MODULES.test(name)).map((name) => `${path} may not import ${name}; take it as a port`),
    ...used.map(([what, pattern]) => `${path} may not use ${what} (${pattern.exec(code)?.[0]}…); take it as a port`),
  ]
}
