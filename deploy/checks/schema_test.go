package checks

import (
	"maps"
	"testing"

	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// TestKubernetesObjectsFitThePublishedSchemas, those of Kubernetes 1.21, which kustomize brings along: nothing that is required
// is missing, and every value has its type and format. What came later, only the types of [build] know.
func TestKubernetesObjectsFitThePublishedSchemas(t *testing.T) {
	for _, directory := range directories {
		for _, object := range manifests(t, directory) {
			if err := fits(t, object); err != nil {
				t.Errorf("%s: %v: %v", directory, object["kind"], err)
			}
		}
	}
}

// TestTheSchemasRefuse what they should, so that the test above can fail.
func TestTheSchemasRefuse(t *testing.T) {
	deployment := func() map[string]any {
		for _, object := range manifests(t, "base") {
			if object["kind"] == "Deployment" {
				return object
			}
		}
		t.Fatal("no Deployment")
		return nil
	}
	at := func(object any, path ...any) map[string]any {
		for _, step := range path {
			if i, ok := step.(int); ok {
				object = object.([]any)[i]
			} else {
				object = object.(map[string]any)[step.(string)]
			}
		}
		return object.(map[string]any)
	}
	for what, spoil := range map[string]func(map[string]any){
		"no selector":      func(d map[string]any) { delete(at(d, "spec"), "selector") },
		"replicas as text": func(d map[string]any) { at(d, "spec")["replicas"] = "3" },
		"a container without a name": func(d map[string]any) {
			delete(at(d, "spec", "template", "spec", "containers", 0), "name")
		},
		"a probe of a port that is a list": func(d map[string]any) {
			at(d, "spec", "template", "spec", "containers", 0, "readinessProbe", "httpGet")["port"] = []any{9100}
		},
	} {
		object := deployment()
		spoil(object)
		if fits(t, object) == nil {
			t.Errorf("%s fits", what)
		}
	}
}

func fits(t *testing.T, object map[string]any) error {
	t.Helper()
	kind := yaml.TypeMeta{APIVersion: object["apiVersion"].(string), Kind: object["kind"].(string)}
	found := openapi.SchemaForResourceType(kind)
	if found == nil {
		t.Fatalf("no schema for %v", kind)
	}
	return validate.NewSchemaValidator(resolved(t, found.Schema), nil, "", strfmt.Default).Validate(object).AsError()
}

// resolved replaces references by what they lead to; the validator follows none. The kinds of the files do not contain themselves.
func resolved(t *testing.T, schema *spec.Schema) *spec.Schema {
	t.Helper()
	if schema.Ref.String() != "" {
		found, err := openapi.Resolve(&schema.Ref, openapi.Schema())
		must(t, err)
		return resolved(t, found)
	}
	whole := *schema
	if whole.Format == "int-or-string" {
		whole.Type = spec.StringOrArray{"integer", "string"} // Swagger 2 cannot say it
	}
	whole.Properties = maps.Clone(schema.Properties)
	for name, property := range whole.Properties {
		whole.Properties[name] = *resolved(t, &property)
	}
	if items := schema.Items; items != nil && items.Schema != nil {
		whole.Items = &spec.SchemaOrArray{Schema: resolved(t, items.Schema)}
	}
	if values := schema.AdditionalProperties; values != nil && values.Schema != nil {
		whole.AdditionalProperties = &spec.SchemaOrBool{Allows: true, Schema: resolved(t, values.Schema)}
	}
	return &whole
}
