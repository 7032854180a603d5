import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault } from '../base/fault.ts'
import { parseTemplate, renderTemplate } from './path-template.ts'

const FIELDS = {
  Fingerprint: 'text',
  'Subject.CommonName': 'text',
  SVIDPathTrimmed: 'path',
  URISanSelectors: 'map',
  ValidPrincipals: 'list',
} as const
const VALUES = {
  Fingerprint: 'ab12',
  'Subject.CommonName': 'Node-1.example',
  SVIDPathTrimmed: 'a/b',
  URISanSelectors: { region: 'eu', 'a.b': 'dotted' },
  ValidPrincipals: ['host-1', 'host-2'],
}
const render = (text: string, values: Parameters<typeof renderTemplate>[1] = VALUES) =>
  renderTemplate(parseTemplate(text, 'x509pop', FIELDS), values, 'example.org')

describe('agent path templates', () => {
  for (const [template, path] of [
    ['/x509pop/{{ .Fingerprint }}', 'ab12'],
    ['/{{ .PluginName }}/{{.Fingerprint}}', 'ab12'],
    ['/{{ .PluginName }}/cn/{{ .Subject.CommonName }}', 'cn/Node-1.example'],
    ['/x509pop/{{ .TrustDomain }}/{{ .SVIDPathTrimmed }}', 'example.org/a/b'],
    ['/x509pop/{{ .URISanSelectors.region }}', 'eu'],
    ['/x509pop/{{ index .URISanSelectors "a.b" }}', 'dotted'],
    ['/x509pop/{{ index .ValidPrincipals 1 }}', 'host-2'],
    ['/x509pop/{{ .Subject.CommonName | lower | trimSuffix ".example" }}', 'node-1'],
    ['/x509pop/{{ .Fingerprint | upper | trimPrefix "AB" | replace "1" "x" }}', 'x2'],
  ] as const) {
    test(template, () => assert.equal(render(template), path))
  }

  for (const [template, why] of [
    ['', /must begin with/],
    ['x509pop/{{ .Fingerprint }}', /must begin with/],
    ['/other/{{ .Fingerprint }}', /must begin with/],
    ['/{{ .Fingerprint }}/x', /must begin with/],
    ['/{{ .PluginName }}', /must begin with/],
    ['/{{ .PluginName }}{{ .Fingerprint }}', /must begin with/],
    ['/x509pop/{{ .Unknown }}', /has no "Unknown"/],
    ['/x509pop/{{ .constructor }}', /has no "constructor"/],
    ['/x509pop/{{ .URISanSelectors }}', /needs an index/],
    ['/x509pop/{{ index .Fingerprint "a" }}', /nothing to index/],
    ['/x509pop/{{ index .ValidPrincipals "a" }}', /asked by a number/],
    ['/x509pop/{{ .Fingerprint | b64dec }}', /cannot do "b64dec"/],
    ['/x509pop/{{ .Fingerprint | trimPrefix }}', /cannot do/],
    ['/x509pop/{{ if .Fingerprint }}x{{ end }}', /has no/],
    ['/x509pop/{{ .Fingerprint ', /a brace/],
    [`/x509pop/${'a'.repeat(2000)}`, /at most/],
  ] as const) {
    test(`refuses ${template.slice(0, 50)}`, () => {
      assert.throws(
        () => parseTemplate(template, 'x509pop', FIELDS),
        (error) => error instanceof Fault && error.code === 'invalid' && why.test(error.message),
      )
    })
  }

  test('a value that is missing, or would be several segments, makes no path', () => {
    for (const values of [{ ...VALUES, 'Subject.CommonName': '' }, { ...VALUES, 'Subject.CommonName': 'a/b' }, {}]) {
      assert.throws(() => render('/x509pop/{{ .Subject.CommonName }}', values), /agent path/)
    }
    assert.throws(() => render('/x509pop/{{ .URISanSelectors.toString }}'), /the node has no URISanSelectors toString/)
    assert.throws(() => render('/x509pop/{{ index .ValidPrincipals 2 }}'), /the node has no/)
  })
})
