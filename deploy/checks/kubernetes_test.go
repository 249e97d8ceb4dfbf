// Package checks tests the files in deploy with the libraries of those who read them: kustomize, the API types of Kubernetes and
// the loader of compose. It holds nothing but tests.
package checks

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	strictjson "sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// The directories of deploy/kubernetes.
var directories = []string{"base", "example"}

// kinds makes an empty object of each kind that the files may have.
var kinds = map[string]func() any{
	"ConfigMap":           func() any { return new(core.ConfigMap) },
	"Deployment":          func() any { return new(apps.Deployment) },
	"Ingress":             func() any { return new(networking.Ingress) },
	"Namespace":           func() any { return new(core.Namespace) },
	"NetworkPolicy":       func() any { return new(networking.NetworkPolicy) },
	"PodDisruptionBudget": func() any { return new(policy.PodDisruptionBudget) },
	"Service":             func() any { return new(core.Service) },
}

// manifests builds a directory as kubectl does.
func manifests(t *testing.T, directory string) []map[string]any {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "../kubernetes/"+directory)
	must(t, err)
	var objects []map[string]any
	for _, resource := range built.Resources() {
		object, err := resource.Map()
		must(t, err)
		objects = append(objects, object)
	}
	return objects
}

// build builds a directory and reads each object as the API server reads it with strict validation: no unknown field, and every
// value has the type of the current API.
func build(t *testing.T, directory string) map[string]any {
	t.Helper()
	objects := map[string]any{}
	for _, manifest := range manifests(t, directory) {
		kind := manifest["kind"].(string)
		if kinds[kind] == nil || objects[kind] != nil {
			t.Fatalf("%s: no type for %s, or two of them, of which the tests would read one", directory, kind)
		}
		text, err := json.Marshal(manifest)
		must(t, err)
		object := kinds[kind]()
		strict, err := strictjson.UnmarshalStrict(text, object)
		must(t, err)
		if len(strict) > 0 {
			t.Fatalf("%s: %s: %v", directory, kind, strict)
		}
		objects[kind] = object
	}
	return objects
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// object returns the one object of a type.
func object[T any](t *testing.T, objects map[string]any) T {
	t.Helper()
	for _, o := range objects {
		if typed, ok := o.(T); ok {
			return typed
		}
	}
	t.Fatalf("no %T", *new(T))
	panic("unreachable")
}

// each runs a test for each directory with its Deployment, the one container in it, and all objects.
func each(t *testing.T, test func(*testing.T, *apps.Deployment, core.Container, map[string]any)) {
	for _, directory := range directories {
		t.Run(directory, func(t *testing.T) {
			objects := build(t, directory)
			deployment := object[*apps.Deployment](t, objects)
			if n := len(deployment.Spec.Template.Spec.Containers); n != 1 {
				t.Fatalf("%d containers", n)
			}
			test(t, deployment, deployment.Spec.Template.Spec.Containers[0], objects)
		})
	}
}

// settings are the server's, with their defaults: the file that the server's own tests hold to what it does.
func settings(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../.env.example")
	must(t, err)
	known := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^([A-Z_]+)=(.*)$`).FindAllStringSubmatch(string(text), -1) {
		known[m[1]] = m[2]
	}
	return known
}

// TestKubernetesGivesTheTimeToDrain: the grace period counts from before preStop.
func TestKubernetesGivesTheTimeToDrain(t *testing.T) {
	each(t, func(t *testing.T, d *apps.Deployment, c core.Container, objects map[string]any) {
		value := settings(t)
		maps.Copy(value, object[*core.ConfigMap](t, objects).Data)
		needed := time.Duration(c.Lifecycle.PreStop.Sleep.Seconds)*time.Second + 15*time.Second
		for _, key := range []string{"DRAIN_DELAY", "DRAIN_TIMEOUT"} {
			d, err := time.ParseDuration(value[key])
			must(t, err)
			needed += d
		}
		given := time.Duration(*d.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
		if given < needed {
			t.Errorf("%v for the end, %v are needed", given, needed)
		}
		waits, err := time.ParseDuration(settings(t)["DRAIN_DELAY"])
		must(t, err)
		if sleep := time.Duration(c.Lifecycle.PreStop.Sleep.Seconds) * time.Second; sleep < waits {
			t.Errorf("preStop waits for %v in place of the %v of the server", sleep, waits)
		}
	})
}

// TestKubernetesKnowsTheSettings of the server; GOMEMLIMIT is of Go.
func TestKubernetesKnowsTheSettings(t *testing.T) {
	each(t, func(t *testing.T, _ *apps.Deployment, c core.Container, objects map[string]any) {
		known, config := settings(t), object[*core.ConfigMap](t, objects)
		names := slices.Collect(maps.Keys(config.Data))
		for _, e := range c.Env {
			names = append(names, e.Name)
		}
		for _, name := range names {
			if _, ok := known[name]; !ok && name != "GOMEMLIMIT" && name != "POD_IP" {
				t.Errorf("%s is no setting", name)
			}
		}
		if c.EnvFrom[0].ConfigMapRef.Name != config.Name {
			t.Errorf("settings come from %s, which is not %s", c.EnvFrom[0].ConfigMapRef.Name, config.Name)
		}
		for name := range config.Data {
			if strings.Contains(name, "SECRET") || strings.Contains(name, "REDIS") {
				t.Errorf("%s belongs into the Secret", name)
			}
		}
	})
}

// TestKubernetesSelectsThePods: a selector of other labels is no error to Kubernetes.
func TestKubernetesSelectsThePods(t *testing.T) {
	each(t, func(t *testing.T, d *apps.Deployment, _ core.Container, objects map[string]any) {
		network := object[*networking.NetworkPolicy](t, objects)
		selectors := map[string]*meta.LabelSelector{
			"Deployment":          d.Spec.Selector,
			"Service":             {MatchLabels: object[*core.Service](t, objects).Spec.Selector},
			"PodDisruptionBudget": object[*policy.PodDisruptionBudget](t, objects).Spec.Selector,
			"NetworkPolicy":       &network.Spec.PodSelector,
			"the other nodes":     network.Spec.Egress[1].To[0].PodSelector,
		}
		for _, spread := range d.Spec.Template.Spec.TopologySpreadConstraints {
			selectors[spread.TopologyKey] = spread.LabelSelector
		}
		for who, selector := range selectors {
			s, err := meta.LabelSelectorAsSelector(selector)
			must(t, err)
			if s.Empty() || !s.Matches(labels(d.Spec.Template.Labels)) {
				t.Errorf("%s selects %v", who, s)
			}
			for other := range kinds { // a pod of something else in the namespace
				if s.Matches(labels{"app.kubernetes.io/name": other, "app.kubernetes.io/part-of": "scalable-chat"}) {
					t.Errorf("%s selects the pods of others", who)
				}
			}
		}
	})
}

// labels implement the interface of selectors.
type labels map[string]string

func (l labels) Has(label string) bool              { _, ok := l[label]; return ok }
func (l labels) Get(label string) string            { return l[label] }
func (l labels) Lookup(label string) (string, bool) { v, ok := l[label]; return v, ok }

// TestKubernetesReachesThePorts: probes, the Service and the NetworkPolicy name ports that the container has, and the private one
// is for Prometheus only.
func TestKubernetesReachesThePorts(t *testing.T) {
	each(t, func(t *testing.T, _ *apps.Deployment, c core.Container, objects map[string]any) {
		value := settings(t)
		maps.Copy(value, object[*core.ConfigMap](t, objects).Data)
		if address := c.Env[1]; address.Name != "NODE_ADDRESS" || address.Value != "[$(POD_IP)]:"+value["PORT"] {
			t.Errorf("other nodes reach this one at %+v, also with IPv6?", address)
		}
		ports := map[string]string{}
		for _, p := range c.Ports {
			ports[p.Name] = fmt.Sprint(p.ContainerPort)
		}
		if ports["http"] != value["PORT"] || ":"+ports["private"] != value["OPS_ADDR"] {
			t.Errorf("the container has %v", ports)
		}
		for path, probe := range map[string]*core.Probe{"/livez": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
			if probe.HTTPGet.Path != path || probe.HTTPGet.Port.String() != "private" {
				t.Errorf("%s asks %+v", path, probe.HTTPGet)
			}
		}
		service := object[*core.Service](t, objects).Spec
		if len(service.Ports) != 1 || service.Ports[0].TargetPort.String() != "http" || service.SessionAffinity != core.ServiceAffinityNone {
			t.Errorf("the Service has %+v", service)
		}
		for _, rule := range object[*networking.NetworkPolicy](t, objects).Spec.Ingress {
			if rule.Ports[0].Port.String() != "http" && len(rule.From) == 0 {
				t.Error("everybody reaches the private port")
			}
		}
		if budget := object[*policy.PodDisruptionBudget](t, objects); budget.Spec.MaxUnavailable.IntValue() != 1 {
			t.Errorf("%v nodes may be drained at a time", budget.Spec.MaxUnavailable)
		}
	})
}

// TestKubernetesConfinesThePods as the profile "restricted" of the Pod Security Standards asks, and with a read-only root.
func TestKubernetesConfinesThePods(t *testing.T) {
	each(t, func(t *testing.T, d *apps.Deployment, c core.Container, _ map[string]any) {
		pod, own := d.Spec.Template.Spec, c.SecurityContext
		for what, holds := range map[string]bool{
			"runs as another user than root": *pod.SecurityContext.RunAsNonRoot && *pod.SecurityContext.RunAsUser == imageUser(t),
			"seccomp":                        pod.SecurityContext.SeccompProfile.Type == core.SeccompProfileTypeRuntimeDefault,
			"gains no rights":                !*own.AllowPrivilegeEscalation,
			"has no capabilities":            slices.Equal(own.Capabilities.Drop, []core.Capability{"ALL"}) && own.Capabilities.Add == nil,
			"writes nothing":                 *own.ReadOnlyRootFilesystem,
			"has no token":                   !*pod.AutomountServiceAccountToken,
			"sees no links of Services":      !*pod.EnableServiceLinks,
			"is spread over machines":        len(pod.TopologySpreadConstraints) == 2,
			"has a bound of memory":          !c.Resources.Limits.Memory().IsZero(),
		} {
			if !holds {
				t.Error("not true: " + what)
			}
		}
	})
}

// imageUser is the user of the server's image.
func imageUser(t *testing.T) int64 {
	t.Helper()
	return int64(number(t, "../server.Dockerfile", `(?m)^USER (\d+):\d+$`))
}
