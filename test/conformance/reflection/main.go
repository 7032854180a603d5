// What grpcurl finds out about an agent, by which it can be asked: each declaration is compared with the one that others compiled.
// Takes the sockets of the Workload API and of delegates; any difference ends it with an error.
package main

import (
	"bytes"
	"context"
	"log"
	"os"
	"slices"
	"strings"
	"time"

	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	_ "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	"github.com/fullstorydev/grpcurl"
	"github.com/jhump/protoreflect/grpcreflect"
	_ "github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	_ "github.com/spiffe/spire-api-sdk/proto/spire/api/agent/delegatedidentity/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health/grpc_health_v1"
	v1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	v1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

const (
	workload  = "SpiffeWorkloadAPI"
	secrets   = "envoy.service.secret.v3.SecretDiscoveryService"
	health    = "grpc.health.v1.Health"
	delegated = "spire.api.agent.delegatedidentity.v1.DelegatedIdentity"
	latest    = "grpc.reflection.v1.ServerReflection"
	earlier   = "grpc.reflection.v1alpha.ServerReflection"
	operator  = "signet.agent.v1.Operator"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	public, admin := dial(os.Args[1]), dial(os.Args[2])
	for _, refer := range []func(*grpc.ClientConn) *grpcreflect.Client{
		func(to *grpc.ClientConn) *grpcreflect.Client {
			return grpcreflect.NewClientV1(ctx, v1.NewServerReflectionClient(to))
		},
		func(to *grpc.ClientConn) *grpcreflect.Client {
			return grpcreflect.NewClientV1Alpha(ctx, v1alpha.NewServerReflectionClient(to))
		},
	} {
		describes(refer(public), workload, secrets, health, latest, earlier)
		describes(refer(admin), delegated, operator, health, latest, earlier)
	}
	asks(ctx, public)
}

func dial(socket string) *grpc.ClientConn {
	to, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(err)
	return to
}

// The services are these, and no declaration says anything else than the generated one.
func describes(client *grpcreflect.Client, wanted ...string) {
	defer client.Reset()
	source := grpcurl.DescriptorSourceFromServer(context.Background(), client)
	found, err := grpcurl.ListServices(source)
	must(err)
	slices.Sort(wanted)
	check(slices.Equal(found, wanted), "the services are %v", found)
	for _, name := range found {
		descriptor, err := client.ResolveService(name)
		must(err)
		seen := map[protoreflect.FullName]bool{}
		if name != operator { // which only Signet has
			compareService(descriptor.UnwrapService(), seen)
		}
	}
	if slices.Contains(found, secrets) {
		for _, inAny := range []string{"Secret", "SPIFFECertValidatorConfig"} {
			descriptor, err := client.ResolveMessage("envoy.extensions.transport_sockets.tls.v3." + inAny)
			must(err)
			compareMessage(descriptor.UnwrapMessage(), map[protoreflect.FullName]bool{})
		}
	}
}

func compareService(served protoreflect.ServiceDescriptor, seen map[protoreflect.FullName]bool) {
	known := find(served.FullName()).(protoreflect.ServiceDescriptor)
	for i := range served.Methods().Len() {
		method := served.Methods().Get(i)
		other := known.Methods().ByName(method.Name())
		check(other != nil, "nobody knows %s", method.FullName())
		check(method.IsStreamingClient() == other.IsStreamingClient() && method.IsStreamingServer() == other.IsStreamingServer(), "%s streams otherwise", method.FullName())
		check(method.Input().FullName() == other.Input().FullName() && method.Output().FullName() == other.Output().FullName(), "%s has other messages", method.FullName())
		compareMessage(method.Input(), seen)
		compareMessage(method.Output(), seen)
	}
}

// Of Envoy's messages there is only what is used; of the others there is everything.
func compareMessage(served protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) {
	name := served.FullName()
	if seen[name] {
		return
	}
	seen[name] = true
	known := find(name).(protoreflect.MessageDescriptor)
	fields := served.Fields()
	check(fields.Len() == known.Fields().Len() || strings.HasPrefix(string(name), "envoy."), "%s has %d fields", name, fields.Len())
	for i := range fields.Len() {
		field := fields.Get(i)
		other := known.Fields().ByNumber(field.Number())
		check(other != nil, "nobody knows %s", field.FullName())
		check(field.Name() == other.Name() && field.JSONName() == other.JSONName() && field.Kind() == other.Kind(), "%s is something else", field.FullName())
		check(field.Cardinality() == other.Cardinality() && field.IsMap() == other.IsMap(), "there are not as many of %s", field.FullName())
		check(group(field) == group(other), "%s is in the group %q", field.FullName(), group(field))
		if field.Message() != nil {
			check(field.Message().FullName() == other.Message().FullName(), "%s is a %s", field.FullName(), field.Message().FullName())
			compareMessage(field.Message(), seen)
		}
		if field.Enum() != nil {
			check(field.Enum().FullName() == other.Enum().FullName(), "%s is a %s", field.FullName(), field.Enum().FullName())
			check(field.Enum().Values().Len() == other.Enum().Values().Len(), "%s has other values", field.Enum().FullName())
		}
	}
}

func group(field protoreflect.FieldDescriptor) protoreflect.Name {
	if one := field.ContainingOneof(); one != nil {
		return one.Name()
	}
	return ""
}

func find(name protoreflect.FullName) protoreflect.Descriptor {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	must(err)
	return found
}

// Calls that know of the agent only what it told.
func asks(ctx context.Context, to *grpc.ClientConn) {
	source := grpcurl.DescriptorSourceFromServer(ctx, grpcreflect.NewClientAuto(ctx, to))
	header := []string{"workload.spiffe.io: true"}
	call := func(method string, question string) string {
		var answer bytes.Buffer
		parser, formatter, err := grpcurl.RequestParserAndFormatter(grpcurl.FormatJSON, source, strings.NewReader(question), grpcurl.FormatOptions{})
		must(err)
		handler := &grpcurl.DefaultEventHandler{Out: &answer, Formatter: formatter}
		must(grpcurl.InvokeRPC(ctx, source, to, method, header, handler, parser.Next))
		check(handler.Status.Err() == nil, "%s answers %v", method, handler.Status)
		return answer.String()
	}
	check(strings.Contains(call(health+"/Check", ""), "SERVING"), "it does not serve")
	check(strings.Contains(call(workload+"/FetchJWTSVID", `{"audience": ["db"]}`), "spiffe://example.org/me"), "there is no JWT-SVID")
	check(strings.Contains(call(secrets+"/FetchSecrets", `{"resource_names": ["default"]}`), "certificateChain"), "there is no secret")
}

func check(holds bool, format string, args ...any) {
	if !holds {
		log.Fatalf(format, args...)
	}
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
