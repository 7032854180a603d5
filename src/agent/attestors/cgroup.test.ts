import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { containerOf } from './cgroup.ts'

const ID = 'a'.repeat(63) + '1'
const OTHER = 'b'.repeat(64)
const POD = '0f47cb8b-4bbd-4c2b-8f1c-0a8a2a0e6b7d'
const UNDERSCORED = POD.replaceAll('-', '_')

describe('the container of a process', () => {
  const KNOWN: Readonly<Record<string, readonly [cgroup: string, podUid: string | undefined, kubernetes: boolean]>> = {
    'docker, systemd': [`0::/system.slice/docker-${ID}.scope\n`, undefined, false],
    'docker, cgroupfs, version 1': [`12:pids:/docker/${ID}\n11:cpu:/docker/${ID}\n1:name=systemd:/docker/${ID}\n`, undefined, false],
    'rootless podman': [`0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope/container\n`, undefined, false],
    'containerd in kubernetes, systemd': [
      `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${UNDERSCORED}.slice/cri-containerd-${ID}.scope`,
      POD,
      true,
    ],
    'kubernetes, cgroupfs': [`0::/kubepods/besteffort/pod${POD}/${ID}`, POD, true],
    'cri-o': [`0::/kubepods.slice/kubepods-pod${UNDERSCORED}.slice/crio-${ID}.scope/container`, POD, true],
    kind: [
      `0::/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod${UNDERSCORED}.slice/cri-containerd-${ID}.scope`,
      POD,
      true,
    ],
    'a static pod': [`0::/kubepods/burstable/pod${'c'.repeat(32)}/${ID}`, 'c'.repeat(32), true],
    'from a namespace of its own': [`0::/../../kubepods-burstable-pod${UNDERSCORED}.slice/cri-containerd-${ID}.scope`, POD, true],
    'containerd, names of systemd without systemd': [`0::/system.slice/kubepods-pod${UNDERSCORED}.slice:cri-containerd:${ID}`, POD, true],
  }
  for (const [what, [cgroup, podUid, kubernetes]] of Object.entries(KNOWN)) {
    test(what, () => assert.deepEqual(containerOf(cgroup), { id: ID, podUid, kubernetes }))
  }

  test('processes outside of containers are in none', () => {
    for (const cgroup of [
      '0::/',
      '0::/system.slice/sshd.service\n',
      '0::/user.slice/user-0.slice/session-1.scope',
      '',
      `0::/machine.slice/libpod-conmon-${ID}.scope`,
    ]) {
      assert.equal(containerOf(cgroup), undefined)
    }
  })

  test('what only looks like an id is none', () => {
    for (const part of [ID.slice(1), `${ID}0`, `${ID}.service`, `X-${ID}.scope`, `docker-${ID.toUpperCase()}.scope`])
      assert.equal(containerOf(`0::/a/${part}`), undefined)
  })

  test('several containers or pods are refused', () => {
    assert.throws(() => containerOf(`0::/system.slice/docker-${ID}.scope/${OTHER}`), /several containers/)
    assert.throws(() => containerOf(`2:cpu:/docker/${ID}\n1:pids:/docker/${OTHER}`), /several containers/)
    assert.throws(() => containerOf(`0::/kubepods/pod${POD}/${ID}/pod${POD.replace('0', '1')}`), /several pods/)
  })
})
