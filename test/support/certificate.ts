// A certificate for a server with TLS, which only the test accepts.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder, removeFolder } from './processes.js'

export interface Certificate {
  /** What a client has to trust, as PEM. */
  readonly ca: string
  /** The arguments with which a Redis server uses TLS on this port. */
  args(tlsPort: number): string[]
  remove(): void
}

/** A self-signed certificate for localhost. Needs the program openssl. */
export function makeCertificate(): Certificate {
  const dir = makeFolder('certificate')
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', [...request, '-subj', '/CN=localhost', '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert, '--tls-auth-clients', 'no']
  return {
    ca: readFileSync(cert, 'utf8'),
    args: (tlsPort) => ['--tls-port', String(tlsPort), ...files],
    remove: () => removeFolder(dir),
  }
}
