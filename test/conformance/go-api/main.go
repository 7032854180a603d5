// What a Go service does with Signet through OpenBao's client module; any difference from Vault ends it with an error.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"os"

	"github.com/openbao/openbao/api/v2"
)

func main() {
	config := api.DefaultConfig()
	client, err := api.NewClient(config)
	must(err)
	if len(os.Args) > 1 && os.Args[1] == "recovery" {
		recovery(client)
		return
	}
	client.SetToken("root")
	ctx := context.Background()

	health, err := client.Sys().Health()
	must(err)
	check(health.Initialized && !health.Sealed, "health")
	status, err := client.Sys().SealStatus()
	must(err)
	check(status.T == 1 && status.Type == "shamir", "seal status")

	kv := client.KVv2("secret")
	_, err = kv.Put(ctx, "app/db", map[string]interface{}{"user": "ann", "n": json.Number("9007199254740993")})
	must(err)
	_, err = kv.Put(ctx, "app/db", map[string]interface{}{"user": "bob"}, api.WithCheckAndSet(1))
	must(err)
	_, err = kv.Put(ctx, "app/db", map[string]interface{}{"user": "eve"}, api.WithCheckAndSet(1))
	check(err != nil, "a stale check-and-set must fail")
	secret, err := kv.Get(ctx, "app/db")
	must(err)
	check(secret.Data["user"] == "bob" && secret.VersionMetadata.Version == 2, "latest version")
	old, err := kv.GetVersion(ctx, "app/db", 1)
	must(err)
	check(old.Data["n"].(json.Number).String() == "9007199254740993", "numbers keep their digits")
	_, err = kv.Patch(ctx, "app/db", map[string]interface{}{"port": 1})
	must(err)
	versions, err := kv.GetVersionsAsList(ctx, "app/db")
	must(err)
	check(len(versions) == 3, "three versions")
	must(kv.Delete(ctx, "app/db"))
	deleted, err := kv.Get(ctx, "app/db")
	must(err)
	check(deleted.Data == nil, "deleted version has no data")
	must(kv.Undelete(ctx, "app/db", []int{3}))
	must(kv.Destroy(ctx, "app/db", []int{1}))
	must(kv.DeleteMetadata(ctx, "app/db"))
	_, err = kv.Get(ctx, "app/db")
	check(errors.Is(err, api.ErrSecretNotFound), "not found")

	must(client.Sys().Mount("old", &api.MountInput{Type: "kv", Options: map[string]string{"version": "1"}}))
	must(client.KVv1("old").Put(ctx, "a", map[string]interface{}{"k": "v"}))
	one, err := client.KVv1("old").Get(ctx, "a")
	must(err)
	check(one.Data["k"] == "v", "version 1")
	mounts, err := client.Sys().ListMounts()
	must(err)
	check(mounts["old/"].Type == "kv", "mounts")
	must(client.Sys().TuneMount("old", api.MountConfigInput{MaxLeaseTTL: "1h"}))
	tuned, err := client.Sys().MountConfig("old")
	must(err)
	check(tuned.MaxLeaseTTL == 3600, "tuned")
	must(client.Sys().Unmount("old"))

	must(client.Sys().PutPolicy("reader", `path "secret/data/*" { capabilities = ["read"] }`))
	text, err := client.Sys().GetPolicy("reader")
	must(err)
	check(text != "", "policy")
	can, err := client.Sys().CapabilitiesSelf("secret/data/x")
	must(err)
	check(len(can) == 1 && can[0] == "root", "capabilities")

	must(client.Sys().EnableAuthWithOptions("approle", &api.EnableAuthOptions{Type: "approle"}))
	_, err = client.Logical().Write("auth/approle/role/web", map[string]interface{}{"token_policies": "reader", "token_ttl": "20m"})
	must(err)
	id, err := client.Logical().Read("auth/approle/role/web/role-id")
	must(err)
	made, err := client.Logical().Write("auth/approle/role/web/secret-id", nil)
	must(err)
	login, err := client.Logical().Write("auth/approle/login", map[string]interface{}{
		"role_id": id.Data["role_id"], "secret_id": made.Data["secret_id"],
	})
	must(err)
	check(login.Auth.LeaseDuration == 1200, "login")
	roles, err := client.Logical().List("auth/approle/role")
	must(err)
	check(len(roles.Data["keys"].([]interface{})) == 1, "list")

	child, err := client.Auth().Token().Create(&api.TokenCreateRequest{Policies: []string{"reader"}, TTL: "1h"})
	must(err)
	look, err := client.Auth().Token().Lookup(child.Auth.ClientToken)
	must(err)
	ttl, err := look.TokenTTL()
	must(err)
	check(ttl.Seconds() > 3500, "ttl")
	_, err = client.Auth().Token().Renew(child.Auth.ClientToken, 60)
	must(err)
	must(client.Auth().Token().RevokeAccessor(child.Auth.Accessor))
	_, err = client.Auth().Token().Lookup(child.Auth.ClientToken)
	check(err != nil, "revoked")
	batch, err := client.Auth().Token().Create(&api.TokenCreateRequest{Policies: []string{"reader"}, TTL: "1h", Type: "batch"})
	must(err)
	check(batch.Auth.Accessor == "" && !batch.Auth.Renewable, "batch token")
	wrapping, err := client.Clone()
	must(err)
	wrapping.SetToken("root")
	wrapping.SetWrappingLookupFunc(func(operation, path string) string { return "60s" })
	kept, err := wrapping.Logical().Read("auth/token/lookup-self")
	must(err)
	check(kept.WrapInfo.TTL == 60 && kept.WrapInfo.CreationPath == "auth/token/lookup-self", "wrapped")
	opened, err := client.Logical().Unwrap(kept.WrapInfo.Token)
	must(err)
	check(opened.Data["path"] == "auth/token/root", "unwrapped")
	_, err = client.Logical().Unwrap(kept.WrapInfo.Token)
	check(err != nil, "unwrapped once")
	wrappedLogin, err := wrapping.Auth().Token().Create(&api.TokenCreateRequest{Policies: []string{"reader"}})
	must(err)
	agent, err := client.Clone()
	must(err)
	agent.SetToken(wrappedLogin.WrapInfo.Token)
	inside, err := agent.Logical().Unwrap("")
	must(err)
	check(inside.Auth.Accessor == wrappedLogin.WrapInfo.WrappedAccessor, "token inside")

	missing, err := client.Logical().Read("cubbyhole/nothing")
	must(err)
	check(missing == nil, "nothing there")
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func check(ok bool, what string) {
	if !ok {
		log.Fatalf("not as expected: %s", what)
	}
}
