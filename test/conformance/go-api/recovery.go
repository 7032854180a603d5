// What an operator's program does with a server in recovery mode.
package main

import (
	"encoding/base64"
	"os"
	"strings"

	"github.com/openbao/openbao/api/v2"
)

// The key shares are in the environment, separated by commas.
func recovery(client *api.Client) {
	client.ClearToken()
	idle, err := client.Sys().GenerateRecoveryOperationTokenStatus()
	must(err)
	check(!idle.Started && idle.Required == 2 && idle.OTPLength == 28, "nothing has begun")
	begun, err := client.Sys().GenerateRecoveryOperationTokenInit("", "")
	must(err)
	must(client.Sys().GenerateRecoveryOperationTokenCancel())
	begun, err = client.Sys().GenerateRecoveryOperationTokenInit("", "")
	must(err)
	var told *api.GenerateRootStatusResponse
	for _, share := range strings.Split(os.Getenv("SHARES"), ",") {
		told, err = client.Sys().GenerateRecoveryOperationTokenUpdate(share, begun.Nonce)
		must(err)
	}
	check(told.Complete, "the token is made")
	token, err := base64.RawStdEncoding.DecodeString(told.EncodedToken)
	must(err)
	for at := range token {
		token[at] ^= begun.OTP[at]
	}
	client.SetToken(string(token))

	listed, err := client.Logical().List("sys/raw/ns/root/mount")
	must(err)
	check(len(listed.Data["keys"].([]interface{})) == 3, "the mounts of a new server")
	_, err = client.Logical().Write("sys/raw/made", map[string]interface{}{"value": "by hand"})
	must(err)
	read, err := client.Logical().Read("sys/raw/made")
	must(err)
	check(read.Data["value"] == "by hand", "a value is as it was written")
	_, err = client.Logical().Delete("sys/raw/made")
	must(err)
	gone, err := client.Logical().Read("sys/raw/made")
	must(err)
	check(gone == nil, "a value that is gone")
	_, err = client.Logical().Read("secret/data/app")
	check(err != nil, "nothing else is served")
}
