package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// Prefix may precede any key in the environment and then takes precedence: CHATD_PORT over PORT. The prefix is ours alone,
// so a variable that begins with it but is not a setting is a mistake and stops the start. What Kubernetes sets for a
// Service whose name begins with chatd is ignored with a warning.
const Prefix = "CHATD_"

// AdminKey is the variable from which chatd admin takes its key. It is no setting of a node.
const AdminKey = Prefix + "API_KEY"

// [Load] returns these errors when the arguments ask for something other than a start.
var (
	ErrHelp    = errors.New("help requested")
	ErrVersion = errors.New("version requested")
)

// Problems is everything that is wrong with the settings.
type Problems []string

// Error lists all problems, one a line.
func (p Problems) Error() string {
	return "bad configuration:\n  - " + strings.Join(p, "\n  - ")
}

// Load reads the settings from args (without the name of the program), the environment of the process, and the .env
// file: the one that --config names, or else the first that is found in the working directory and the ones above it, up
// to the root of the repository. It returns [ErrHelp] or [ErrVersion] if args ask for that, and otherwise, if anything
// is wrong, [Problems].
func Load(args []string) (Config, error) {
	var c Config
	var r redisParts
	all := settings(&c, &r)
	flags := flagSet(all)
	var problems Problems
	if err := flags.Parse(args); err != nil {
		problems = append(problems, "flags: "+err.Error()+flagHint(err))
	}
	if wish := wished(flags); wish != nil {
		return Config{}, wish
	}
	if flags.NArg() > 0 {
		problems = append(problems, fmt.Sprintf("flags: unexpected argument %q", flags.Arg(0)))
	}
	v, bad := sources(all, flags)
	problems = append(problems, bad...)
	problems = append(problems, unknownVariables(all)...)
	refused := map[string]bool{}
	given := map[string]bool{}
	for _, s := range all {
		value := s.trim(v.GetString(s.key))
		given[s.key] = value != "" && value != s.def
		if s.secret && quoted(value) {
			c.Warnings = append(c.Warnings, s.key+": begins and ends with a quote; the quotes are taken as part of the value")
		}
		if bad := c.read(s, value); bad != "" {
			problems = append(problems, bad)
			refused[s.key] = true
		}
	}
	c.Redis, bad = r.assemble()
	problems = slices.Concat(problems, bad, c.Auth.settle(), c.checkTLS(), c.contradictions(refused), c.settleListed(given["ROOMS_LISTED"] && c.Rooms.Enabled()))
	c.Warnings = slices.Concat(c.Warnings, serviceWarning(), adminWarning(), c.idle(given, r))
	if len(problems) > 0 {
		return Config{}, problems
	}
	if c.Redis.Enabled() {
		c.DataDir = ""
	}
	return c, nil
}

// Usage describes every flag, for --help.
func Usage() string {
	var c Config
	var r redisParts
	return flagSet(settings(&c, &r)).FlagUsages()
}

// read takes the value of one setting, or its default if it is empty, and says what is wrong with it.
func (c *Config) read(s setting, value string) (problem string) {
	if value == "" {
		value = s.def
	}
	text := value
	if s.secret {
		text = secret(value)
	} else if s.show != nil {
		text = s.show(value)
	}
	c.shown = append(c.shown, shown{slog.String(s.key, text), value != s.def})
	if value == "" {
		return ""
	}
	if err := s.set(value); err != nil {
		return fmt.Sprintf("%s: %s (it is %.100q)", s.key, err, text)
	}
	return ""
}

// trim removes what is not part of a value: surrounding space, and the quotes that "docker run --env-file" leaves in place.
// A secret keeps its quotes, which may belong to it.
func (s setting) trim(value string) string {
	value = strings.TrimSpace(value)
	if !s.secret && quoted(value) {
		value = strings.TrimSpace(value[1 : len(value)-1])
	}
	return value
}

func quoted(s string) bool {
	n := len(s)
	return n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0]
}

// flagSet returns a flag for each setting, and --config, --help and --version.
func flagSet(all []setting) *pflag.FlagSet {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.SortFlags = false
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(flagName(name)) // --REDIS_URL is --redis-url
	})
	flags.Usage = func() {}
	flags.String("config", "", "the .env `file` to read; without it the nearest one is looked for")
	flags.BoolP("help", "h", false, "list the settings and exit")
	flags.Bool("version", false, "print the version and exit")
	for _, s := range all {
		flag := flags.VarPF(new(plainValue), flagName(s.key), "", s.help)
		flag.DefValue = s.def
		if s.toggle {
			flag.NoOptDefVal = "true"
		}
	}
	return flags
}

// flagHint explains the error for -port=1, which is read as several one-letter flags.
func flagHint(err error) string {
	if strings.HasPrefix(err.Error(), "unknown shorthand flag") {
		return "; flags begin with two dashes, as in --port=8000"
	}
	return ""
}

func flagName(key string) string { return strings.ReplaceAll(strings.ToLower(key), "_", "-") }

// wished returns [ErrHelp] or [ErrVersion] if a flag asks for it.
func wished(flags *pflag.FlagSet) error {
	for name, wish := range map[string]error{"help": ErrHelp, "version": ErrVersion} {
		if yes, err := flags.GetBool(name); err == nil && yes {
			return wish
		}
	}
	return nil
}

// sources stacks file, environment and flags. It never touches viper's global instance.
func sources(all []setting, flags *pflag.FlagSet) (*viper.Viper, []string) {
	v := viper.NewWithOptions(viper.KeyDelimiter("\x00")) // keys are flat
	var problems []string
	for _, s := range all {
		names, link := variables(s.key)
		v.SetDefault(s.key, s.def)
		if link != "" && s.key == redisPort {
			v.SetDefault(s.key, link)
		}
		bound := v.BindPFlag(s.key, flags.Lookup(flagName(s.key)))
		if len(names) > 0 {
			bound = errors.Join(bound, v.BindEnv(append([]string{s.key}, names...)...))
		}
		if bound != nil {
			problems = append(problems, s.key+": "+bound.Error())
		}
	}
	file := flags.Lookup("config").Value.String()
	if file == "" {
		file = nearestFile()
	}
	if file == "" {
		return v, problems
	}
	known := v.AllKeys()
	v.SetConfigFile(file)
	v.SetConfigType("env")
	return v, append(problems, readFile(v, file, known)...)
}

// readFile adds the file to v and reports lines that cannot be read and keys that are not settings. The web app keeps
// its settings in the same file: keys that begin with NEXT_PUBLIC_ are its own.
func readFile(v *viper.Viper, file string, known []string) []string {
	content, err := os.ReadFile(file)
	if err != nil {
		return []string{fmt.Sprintf("%s: %v", file, errors.Unwrap(err))}
	}
	if err := v.ReadConfig(bytes.NewReader(content)); err != nil {
		return []string{fmt.Sprintf("%s: %sis not of the form KEY=value", file, lineOf(content, err))}
	}
	var problems []string
	for _, key := range v.AllKeys() {
		if !slices.Contains(known, key) && !strings.HasPrefix(key, "next_public_") {
			problems = append(problems, fmt.Sprintf("%s: %s is not a setting", file, strings.ToUpper(key)))
		}
	}
	slices.Sort(problems)
	return problems
}

// lineOf finds the line that an error of the parser quotes, and leaves the quotation out: it may hold a password.
func lineOf(content []byte, err error) string {
	number := 0
	for line := range strings.Lines(string(content)) {
		number++
		if line = strings.TrimSpace(line); line != "" && strings.Contains(err.Error(), "`"+line+"`") {
			return fmt.Sprintf("line %d ", number)
		}
	}
	return ""
}

// nearestFile looks for .env from the working directory upwards and stops at the root of the repository.
func nearestFile() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		file := filepath.Join(dir, ".env")
		if info, err := os.Stat(file); err == nil && !info.IsDir() {
			return file
		}
		_, err := os.Lstat(filepath.Join(dir, ".git"))
		if parent := filepath.Dir(dir); parent != dir && errors.Is(err, fs.ErrNotExist) {
			dir = parent
			continue
		}
		return ""
	}
}

// unknownVariables reports variables that have our prefix but are not settings.
func unknownVariables(all []setting) []string {
	var problems []string
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		key, ours := strings.CutPrefix(name, Prefix)
		if ours && name != AdminKey && !isServiceLink(name, value) && !slices.ContainsFunc(all, func(s setting) bool { return s.key == key }) {
			problems = append(problems, "environment: "+name+" is not a setting")
		}
	}
	slices.Sort(problems)
	return problems
}

// plainValue is a flag whose text is read later, together with that of the other sources.
type plainValue string

var _ pflag.Value = (*plainValue)(nil)

// Set takes the text as it is.
func (p *plainValue) Set(s string) error {
	*p = plainValue(s)
	return nil
}

// String returns the text.
func (p *plainValue) String() string { return string(*p) }

// Type is what --help calls the value.
func (p *plainValue) Type() string { return "value" }

// adminWarning tells who meant API_KEYS that a node does not read the key of chatd admin.
func adminWarning() []string {
	if os.Getenv(AdminKey) == "" {
		return nil
	}
	return []string{AdminKey + ": has no effect on a node; chatd admin reads it, and API_KEYS says which keys are valid"}
}
