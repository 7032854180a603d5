// TLS for a listener: TLS 1.3, and of 1.2 only suites with forward secrecy and authenticated encryption.
import { constants, createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type TlsOptions, type TLSSocket } from 'node:tls'
import { Failure, fileProblem } from '../cli/failure.ts'
import { CIPHERS } from './tls-suites.ts'

export interface TlsFiles {
  /** PEM: the server's certificate, then its intermediates. */
  readonly certFile: string
  readonly keyFile: string
  /** PEM: whom to trust for client certificates; without it any is taken, and none believed before a login has checked it. */
  readonly clientCaFile?: string
  /** Clients are not asked for certificates. */
  readonly clientUnasked?: boolean
  /** Clients without a certificate are not let in. */
  readonly clientNeeded?: boolean
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
}

/** Reads the files as they are now. Throws a Failure where one can't be read. */
export function readTls(files: TlsFiles): TlsOptions {
  const asked = files.clientUnasked !== true
  return {
    cert: read('tls_cert_file', files.certFile),
    key: read('tls_key_file', files.keyFile),
    ciphers: CIPHERS,
    honorCipherOrder: true,
    minVersion: files.minVersion ?? 'TLSv1.2',
    // A resumed session would skip the check of the client's certificate.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | (asked ? constants.SSL_OP_NO_TICKET : 0),
    ...(asked ? { requestCert: true, rejectUnauthorized: false } : {}),
    ...(files.clientCaFile === undefined ? {} : { ca: read('tls_client_ca_file', files.clientCaFile) }),
  }
}

function read(key: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new Failure(1, `${key} ${path}: ${fileProblem(error)}`, { hints: ["the server's user must be able to read it"] })
  }
}

/** Throws a Failure unless the files hold a certificate, its key and, where named, authorities. */
export function checkTls(files: TlsFiles): void {
  const { cert, key, ca } = readTls(files)
  attempt(`tls_cert_file ${files.certFile} holds no certificate in PEM`, () => new X509Certificate(cert as Buffer))
  const problem = `tls_key_file ${files.keyFile} holds no private key in PEM that needs no passphrase`
  const secret = attempt(problem, () => createPrivateKey({ key: key as Buffer }))
  if (!new X509Certificate(cert as Buffer).checkPrivateKey(secret)) {
    throw new Failure(1, `the key in ${files.keyFile} is not that of the certificate in ${files.certFile}`, {
      hints: ["the server's own certificate comes first in its file, its intermediates after it"],
    })
  }
  if (ca) attempt(`tls_client_ca_file ${files.clientCaFile} holds no certificate in PEM`, () => new X509Certificate(ca as Buffer))
  attempt(`the TLS files of the listener can't be used`, () => createSecureContext({ cert, key, ...(ca ? { ca } : {}) }))
}

function attempt<T>(problem: string, run: () => T): T {
  try {
    return run()
  } catch {
    throw new Failure(1, problem, { hints: [PEM] })
  }
}

const PEM = 'a PEM file has lines such as -----BEGIN CERTIFICATE-----'

/** A client needs no certificate, unless the listener says so; but one that it shows must come from the authorities, where some are named. */
export function isTrusted(socket: TLSSocket, { clientNeeded = false, clientCaFile }: Pick<TlsFiles, 'clientNeeded' | 'clientCaFile'> = {}): boolean {
  return socket.authorized || (!clientNeeded && (clientCaFile === undefined || socket.getPeerX509Certificate() === undefined))
}
