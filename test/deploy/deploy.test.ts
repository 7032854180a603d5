// The files for operators say what is true: metrics that exist, paths that are there, limits that a diagnosis asks for.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { AGENT_METRICS } from '../../src/telemetry/agent-catalog.ts'
import { METRICS, ROUTE_PREFIX } from '../../src/telemetry/catalog.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')

interface Board {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[]
}

function metricsIn(expression: string): string[] {
  return [...expression.matchAll(/\b(?:vault|signet|process|nodejs)_\w+/g)].map(([name]) => name)
}

function exists(name: string): boolean {
  if (name in AGENT_METRICS) return true
  if (name in METRICS) return METRICS[name as keyof typeof METRICS].kind !== 'timing'
  if (name.startsWith(ROUTE_PREFIX)) return true
  const base = name.replace(/_(count|sum|bucket)$/, '')
  const kind = base in METRICS ? METRICS[base as keyof typeof METRICS].kind : undefined
  return kind === 'histogram' || (kind === 'timing' && !name.endsWith('_bucket'))
}

test('the board and the alerts use metrics that exist', () => {
  const board: Board = JSON.parse(read('deploy/grafana/signet.json'))
  const inBoard = board.panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => metricsIn(expr)))
  const inAlerts = [...read('deploy/prometheus/alerts.yml').matchAll(/^ +expr: (.+)$/gm)].flatMap(([, expr]) => metricsIn(expr as string))
  assert.ok(inBoard.length > 15 && inAlerts.length > 8)
  assert.deepEqual(
    [...inBoard, ...inAlerts].filter((name) => !exists(name)),
    [],
  )
})

test('every panel of the board has a place of its own', () => {
  const { panels } = JSON.parse(read('deploy/grafana/signet.json'))
  const places = panels.map(({ gridPos: { x, y } }: any) => `${x},${y}`)
  assert.equal(new Set(places).size, places.length)
})

test('the unit grants what a server needs and no privileges', () => {
  const settings = new Map([...read('deploy/signet.service').matchAll(/^(\w+)=(.*)$/gm)].map(([, key, value]) => [key, value]))
  assert.equal(settings.get('ExecStart'), '/opt/signet/bin/signet server -config=/etc/signet/server.hcl')
  assert.ok(Number(settings.get('LimitNOFILE')) >= 65_536)
  const expected = {
    User: 'signet',
    LimitMEMLOCK: 'infinity',
    LimitCORE: '0',
    MemorySwapMax: '0',
    NoNewPrivileges: 'yes',
    CapabilityBoundingSet: '',
    UMask: '0077',
  }
  for (const [key, value] of Object.entries(expected)) assert.equal(settings.get(key), value, key)
})

/** A folder for each socket, since whoever has one folder mounted is not to have the others. */
const RUNTIME = 'RuntimeDirectory=signet-agent signet-agent-admin signet-agent-broker'

test('the unit of the agent hides no process from it', () => {
  const unit = read('deploy/signet-agent.service')
  assert.match(unit, /^ExecStart=\/opt\/signet\/bin\/signet agent -config=\/etc\/signet\/agent\.hcl$/m)
  assert.doesNotMatch(unit, /^(ProtectProc|PrivateUsers|ProcSubset|PrivateTmp)=/m)
  for (const line of ['UMask=0077', 'LimitCORE=0', 'NoNewPrivileges=yes', RUNTIME, 'StateDirectory=signet-agent']) {
    assert.ok(unit.split('\n').includes(line), line)
  }
})

test('the container file copies what is there', () => {
  const copied = [...read('deploy/Dockerfile').matchAll(/^COPY (?!--)(.+) \S+$/gm)].flatMap(([, paths]) => (paths as string).split(' '))
  assert.ok(copied.length > 3)
  for (const path of copied) assert.ok(existsSync(join(ROOT, path)), path)
})
