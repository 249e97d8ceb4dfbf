package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// pemSetting is a certificate or a key that is given as a file or as text.
type pemSetting struct {
	fileKey, textKey string
	file, text       string
}

// read returns the PEM, nil if none is given, and the setting it comes from.
func (p pemSetting) read() (content []byte, key string, err error) {
	switch {
	case p.file != "" && p.text != "":
		return nil, p.textKey, fmt.Errorf("give either %s or %s, not both", p.fileKey, p.textKey)
	case strings.Contains(p.file, "-----BEGIN"): // not repeated: it may be a key
		return nil, p.fileKey, fmt.Errorf("is the text itself, which belongs in %s", p.textKey)
	case p.file != "":
		content, err = os.ReadFile(strings.TrimPrefix(p.file, "file://"))
		if err != nil {
			return nil, p.fileKey, fmt.Errorf("cannot be read: %w", err)
		}
		return content, p.fileKey, nil
	case p.text != "":
		content = pemText(p.text)
		if !strings.Contains(string(content), "-----BEGIN") {
			return nil, p.textKey, fmt.Errorf("is not PEM text (-----BEGIN …); a path belongs in %s", p.fileKey)
		}
		return content, p.textKey, nil
	}
	return nil, "", nil
}

var pemBlock = regexp.MustCompile(`(?s)(-----BEGIN [A-Z0-9 ]+-----)(.*?)(-----END [A-Z0-9 ]+-----)`)

// pemText undoes what input fields of one line do to PEM: line breaks written as \n, turned into spaces, or all of it
// in base64.
func pemText(s string) []byte {
	if !strings.Contains(s, "-----BEGIN") {
		if plain, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), "")); err == nil {
			s = string(plain)
		}
	}
	s = strings.NewReplacer(`\r`, "", `\n`, "\n").Replace(s)
	return []byte(pemBlock.ReplaceAllStringFunc(s, func(block string) string {
		m := pemBlock.FindStringSubmatch(block)
		return m[1] + "\n" + strings.Join(strings.Fields(m[2]), "\n") + "\n" + m[3] + "\n"
	}))
}

// checkAuthorities reports whether content holds the certificate of an authority.
func checkAuthorities(content []byte) error {
	if !x509.NewCertPool().AppendCertsFromPEM(content) {
		return errors.New("holds no certificate in PEM form")
	}
	return nil
}

// checkTLS returns what is wrong with the certificate of the main listener.
func (c *Config) checkTLS() []string {
	if c.TLSCertFile == "" && c.TLSKeyFile == "" {
		return nil
	}
	if c.TLSCertFile == "" || c.TLSKeyFile == "" {
		return []string{"TLS_CERT_FILE: needs TLS_KEY_FILE, and the other way round"}
	}
	var contents [2][]byte
	for i, p := range []struct {
		key  string
		file *string
	}{{"TLS_CERT_FILE", &c.TLSCertFile}, {"TLS_KEY_FILE", &c.TLSKeyFile}} {
		if strings.Contains(*p.file, "-----BEGIN") { // not repeated: it may be a key
			return []string{p.key + ": is the text itself; give a file"}
		}
		*p.file = strings.TrimPrefix(*p.file, "file://")
		content, err := os.ReadFile(*p.file)
		if err != nil {
			return []string{p.key + ": cannot be read: " + err.Error()}
		}
		contents[i] = content
	}
	if err := checkPair(contents[0], contents[1]); err != nil {
		return []string{"TLS_KEY_FILE: " + err.Error()}
	}
	return nil
}

// checkPair reports what is wrong with a certificate and its key. The error never quotes the key.
func checkPair(cert, key []byte) error {
	if block, _ := pem.Decode(key); block != nil && (block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "") {
		return errors.New("is encrypted; give the key without a passphrase")
	}
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		return fmt.Errorf("does not match the certificate: %w", err)
	}
	return nil
}
