package config

import (
	"os"
	"regexp"
	"slices"
	"strings"
)

// Kubernetes describes every Service of a namespace in variables of every container: for one named redis, among others,
// REDIS_PORT=tcp://10.96.0.7:6379 and REDIS_SERVICE_HOST=10.96.0.7. Some look like our settings. They are not meant for us,
// so they never stop the start and never override a setting that somebody wrote.

// serviceLink matches the value of such a variable where we expect a port.
var serviceLink = regexp.MustCompile(`^(?:tcp|udp|sctp)://[^/]+:([0-9]+)$`)

// serviceNames matches the other variables of a Service.
var serviceNames = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

func isServiceLink(name, value string) bool {
	return serviceNames.MatchString(name) || strings.HasSuffix(name, "_PORT") && serviceLink.MatchString(value)
}

// variables returns the environment variables that may set key, the stronger one first, and the service link that one of
// them holds instead.
func variables(key string) (names []string, link string) {
	for _, name := range []string{Prefix + key, key} {
		if value := os.Getenv(name); isServiceLink(name, value) {
			link = value
		} else {
			names = append(names, name)
		}
	}
	return names, link
}

// serviceWarning names the variables with our prefix that come from a Service whose name begins like it.
func serviceWarning() []string {
	var names []string
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, Prefix) && name != Prefix+redisPort && isServiceLink(name, value) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	return []string{"environment: " + strings.Join(names, ", ") + ": ignored, Kubernetes sets them for a Service; enableServiceLinks: false keeps them out"}
}
