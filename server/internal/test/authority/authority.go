// Package authority makes certificates for tests.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Files are the certificate of a server.
type Files struct {
	CA, Cert, Key string // PEM files
}

// New makes such files, in a directory that is removed when the test ends.
func New(t testing.TB) Files {
	t.Helper()
	dir := t.TempDir()
	f := Files{CA: filepath.Join(dir, "ca.pem"), Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	Write(t, f.CA, f.Cert, f.Key)
	return f
}

// Client is the configuration of a client that trusts this authority only.
func (f Files) Client(t testing.TB) *tls.Config {
	t.Helper()
	pem, err := os.ReadFile(f.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &tls.Config{RootCAs: roots}
}

// Write makes an authority, and a certificate of its for 127.0.0.1, valid for an hour, with its key. It writes the certificate
// of the authority, the certificate and the key to files, as PEM.
func Write(t testing.TB, caFile, certFile, keyFile string) {
	t.Helper()
	WriteUntil(t, caFile, certFile, keyFile, time.Now().Add(time.Hour))
}

// WriteUntil does the same with certificates that are valid until then.
func WriteUntil(t testing.TB, caFile, certFile, keyFile string, until time.Time) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	template := func(n int64, name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(n), Subject: pkix.Name{CommonName: name},
			NotBefore: until.Add(-2 * time.Hour), NotAfter: until,
		}
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	ca := template(1, "test CA")
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	must(err)

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	cert := template(2, "test server")
	cert.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	certDER, err := x509.CreateCertificate(rand.Reader, cert, ca, &key.PublicKey, caKey)
	must(err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)

	for file, block := range map[string]*pem.Block{
		caFile:   {Type: "CERTIFICATE", Bytes: caDER},
		certFile: {Type: "CERTIFICATE", Bytes: certDER},
		keyFile:  {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		must(os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	}
}
